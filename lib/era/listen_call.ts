/**
 * A listen request of the gateway itself, in the name of a client, and what its stream tells.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError, WIRE_FORMS } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import { Message } from "../core/message.ts";
import { type ListenFilter, outsideListen, URIS_MAX } from "./listen_filter.ts";

/** What stands for the request of a client that never sent one. */
const NO_REQUEST: RequestInfo = {
  transport: "gateway",
  address: "gateway",
  header: () => undefined,
};

/**
 * Passes what the server tells on to a session. While another stream takes its place both may tell the same:
 * the old one keeps what it tells until the new one stands, and what that one has told by then is told.
 */
export class ListenCall implements Call {
  readonly message: Message;
  readonly request = NO_REQUEST;
  readonly session: Session;
  readonly #acknowledged = Promise.withResolvers<ListenFilter>();
  /** What it has told, while the stream before it is still read. */
  #said: Set<string> | undefined;
  /** What it tells, while another takes its place. */
  #kept: Map<string, Message> | undefined;

  /** @param succeeds whether it takes the place of another */
  constructor(message: Message, session: Session, succeeds = false) {
    this.message = message;
    this.session = session;
    if (succeeds) this.#said = new Set();
    this.#acknowledged.promise.catch(() => {}); // whoever waits for it is told
  }

  get signal(): AbortSignal {
    return this.session.signal;
  }

  /** Resolves to what the server has taken of the filter; rejects with a `GatewayError`. */
  get acknowledged(): Promise<ListenFilter> {
    return this.#acknowledged.promise;
  }

  /** The stream has ended; whoever still waits for its beginning learns why. */
  fail(outcome: Message | GatewayError): void {
    this.#acknowledged.reject(outcome instanceof Message ? failureOf(outcome) : outcome);
  }

  notify(message: Message): Promise<void> {
    if (message.method === "notifications/subscriptions/acknowledged") {
      this.#acknowledged.resolve(message.json().params?.notifications ?? {});
      return Promise.resolve();
    }
    const what = `${message.method} ${message.uri ?? ""}`;
    if (this.#said !== undefined && this.#said.size < URIS_MAX) this.#said.add(what);
    if (this.#kept === undefined || this.#kept.size >= URIS_MAX) {
      return this.session.notify(outsideListen(message));
    }
    this.#kept.set(what, outsideListen(message));
    return Promise.resolve();
  }

  ask(): Promise<Message> {
    throw new GatewayError("MethodNotFound", "Cannot ask a client on a listen stream");
  }

  /** From now on keeps what it tells: another is to take its place. */
  keep(): void {
    this.#kept ??= new Map();
  }

  /**
   * Tells what it has kept.
   *
   * @param successor which took its place, unless that has failed
   * @param isWanted whether the client still waits for a message
   */
  release(successor?: ListenCall, isWanted = (_: Message) => true): void {
    for (const [what, message] of this.#kept ?? []) {
      const isSaid = successor !== undefined && successor.#said?.has(what) === true;
      if (!isSaid && isWanted(message)) void this.session.notify(message);
    }
    this.#kept = undefined;
    if (successor !== undefined) successor.#said = undefined;
  }
}

/** Failures of the way to a server; everything else is the server's own word. */
const OF_THE_WAY: ReadonlySet<unknown> = new Set(
  (["UpstreamUnavailable", "UpstreamTimeout", "UpstreamProtocolError", "Overloaded"] as const)
    .map((failure) => WIRE_FORMS[failure].code),
);

/** Why a stream has ended that the server answered: `InvalidParams` where it does not want one. */
function failureOf(answer: Message): GatewayError {
  if (!answer.isError) {
    return new GatewayError(
      "UpstreamUnavailable",
      "Cannot listen: the server has ended the stream",
    );
  }
  const { code, message } = answer.json().error ?? {};
  const failure = OF_THE_WAY.has(code) ? "UpstreamUnavailable" : "InvalidParams";
  return new GatewayError(failure, `Cannot listen: ${message}`);
}

/** Whether the server itself does not want a stream: asking again is of no use. */
export function isUnwanted(outcome: unknown): boolean {
  const error = outcome instanceof Message ? failureOf(outcome) : outcome;
  return error instanceof GatewayError && error.failure === "InvalidParams";
}
