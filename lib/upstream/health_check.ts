/**
 * Asks a server whether it is there, over a connection of its own.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError, TransportError, WIRE_FORMS } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { Receiver } from "../core/upstream.ts";
import type { DialEndpoint } from "./endpoint.ts";
import { Link } from "./link.ts";

/** A server that has not answered by then is not well, ms. */
const CHECK_MS = 5000;

/**
 * The time of one question and answer, ms, connecting not included. Any answer will do: a server that refuses
 * a `ping` before the handshake, or does not know it, has shown that it is there.
 *
 * @param question `ping`, or `server/discover` for a server without handshake
 * @throws {TransportError | GatewayError} no connection, or no answer in time
 */
export async function checkHealth(
  dial: DialEndpoint,
  question: Message,
  signal: AbortSignal,
): Promise<number> {
  const connection = await dial(AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]));
  await using link = new Link("health check", connection, NOBODY, NO_EVENTS, {
    callDeadlineMs: CHECK_MS,
    callDeadlineHardMs: CHECK_MS,
    callsOpenMax: 1,
  });
  const end = () => void link[Symbol.asyncDispose]();
  signal.addEventListener("abort", end, { once: true });
  const startMs = monotonicMs();
  const answer = await link.ask(question).finally(() => signal.removeEventListener("abort", end));
  if (answer.isError) throwIfAbsent(answer.json().error);
  return monotonicMs() - startMs;
}

/** Transports over HTTP tell by an answer that there was none; a status that means nothing is one. */
function throwIfAbsent({ code, message }: { code: number; message: string }): void {
  if (code === WIRE_FORMS.UpstreamUnavailable.code) throw new TransportError(message);
}

const NOBODY: Receiver = {
  notify: () => Promise.resolve(),
  ask: ({ method }) => {
    throw new GatewayError("MethodNotFound", `Cannot answer ${method}: there is no client`);
  },
  cancelAsk() {},
};

const NO_EVENTS = { lateAnswer() {}, badMessage() {} };
