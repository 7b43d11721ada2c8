/**
 * One request towards a Streamable HTTP server: its POST, the answer in whichever form it comes, and
 * resuming an event stream that broke before the answer.
 *
 * Source: MCP specification, basic/transports, 2025-03-26 to 2025-11-25.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { failure } from "../../lib/core/compose.ts";
import type { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { type IdKey, idKey } from "../../lib/core/message_id.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import {
  discard,
  failureOf,
  mediaType,
  offProtocol,
  readChunks,
  readWhole,
} from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";
import type { Registered } from "../http/registry.ts";
import type { Inbox } from "./inbox.ts";
import { eventIdHeader, type HttpSession } from "./session.ts";
import { refusalOf, SessionGone, underId } from "./refusal.ts";

/** Limits of a client connection. */
export interface ClientLimits {
  readonly messageBytesMax: number;
  /** Until the head of an answer, ms. Servers that answer in JSON send it when the work is done. */
  readonly headersTimeoutMs: number;
  /** Silence in the middle of a JSON body, ms. Event streams may be silent for as long as they like. */
  readonly bodyIdleMs: number;
  /** Tries to resume a broken stream without getting any further. */
  readonly resumesMax: number;
  /** Waited before a stream is resumed where the server names no time, ms. */
  readonly retryMs: number;
}

/** Longest wait that a server may ask for, ms. */
const RETRY_MS_MAX = 60_000;

/** A stream should end behind the answer; it is ended after so long, ms. */
const AFTER_ANSWER_MS = 1000;

/** A request until it is settled: exactly one response under its id has been delivered, or it was aborted. */
export class PostCall implements Registered {
  place = -1;
  readonly message: Message;
  readonly #flight: Flight;
  readonly #session: HttpSession;
  readonly #inbox: Inbox;
  readonly #limits: ClientLimits;
  readonly #onSettled: () => void;
  readonly #key: IdKey;
  #isSettled = false;

  /** @param onSettled called once, when the answer was delivered or the request dropped */
  constructor(
    message: Message,
    flight: Flight,
    session: HttpSession,
    inbox: Inbox,
    limits: ClientLimits,
    onSettled: () => void,
  ) {
    this.message = message;
    this.#flight = flight;
    this.#session = session;
    this.#inbox = inbox;
    this.#limits = limits;
    this.#onSettled = onSettled;
    this.#key = idKey(message.id!);
  }

  /** Whether a cancellation means this request. */
  isNamedBy(requestId: Uint8Array): boolean {
    return idKey(requestId) === this.#key;
  }

  /** Gives the request up without an answer: its asker wants none any more. */
  drop(reason: GatewayError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#flight.abort(reason);
    this.#onSettled();
  }

  /**
   * Sends the request and delivers what comes back. Failures are delivered, too, except one.
   *
   * @throws {SessionGone} after the failure was delivered
   */
  async run(): Promise<void> {
    try {
      this.#flight.allow(this.#limits.headersTimeoutMs);
      const answer = await this.#session.post(this.message, this.#flight);
      await this.#take(answer);
    } catch (error) {
      const gone = error instanceof SessionGone;
      this.fail(gone ? error.failure : failureOf(this.#flight.reason ?? error));
      if (gone) throw error;
    }
  }

  /** Answers the request with an error, unless it has its answer. */
  fail(error: GatewayError): void {
    this.#settle(failure(this.message.id, error));
  }

  async #take(answer: IncomingMessage): Promise<void> {
    if (answer.statusCode !== 200) return await this.#takeRefusal(answer);
    if (answer.headers["content-encoding"] !== undefined) throw unwanted(answer, "it is encoded");
    if (this.message.method === "initialize") this.#session.learnId(answer);
    const type = mediaType(answer);
    if (type === "text/event-stream") return await this.#takeEvents(answer);
    if (type !== "application/json") throw unwanted(answer, `its content type is "${type}"`);
    const { messageBytesMax, bodyIdleMs } = this.#limits;
    const body = await readWhole(answer, this.#flight, bodyIdleMs, messageBytesMax);
    const message = Message.from(body);
    const { id } = message;
    const isOurs = message.kind === "response" && (id === undefined || idKey(id) === this.#key);
    if (message.kind !== "invalid" && !isOurs) throw offProtocol("it does not answer the request");
    this.#takeMessage(message);
  }

  /** An answer with another status than 200. */
  async #takeRefusal(answer: IncomingMessage): Promise<void> {
    const refusal = await refusalOf(
      answer,
      this.#flight,
      this.message.id!,
      this.#limits.bodyIdleMs,
    );
    if (answer.statusCode === 404 && this.#session.id !== undefined) {
      throw new SessionGone("not_sent");
    }
    if (refusal instanceof Message) this.#settle(refusal);
    else throw refusal;
  }

  async #takeEvents(first: IncomingMessage): Promise<void> {
    let answer: IncomingMessage | undefined = first;
    let lastEventId = "", retryMs = this.#limits.retryMs, tries = 0;
    while (true) {
      if (answer !== undefined) {
        const decoder = new SseDecoder(this.#limits.messageBytesMax);
        const broken = await this.#readEvents(answer, decoder);
        if (this.#isSettled) return;
        retryMs = decoder.retryMs ?? retryMs;
        if (decoder.lastEventId !== "") {
          lastEventId = decoder.lastEventId;
          tries = 0;
        }
        if (lastEventId === "") throw failureOf(this.#flight.reason ?? broken);
      }
      if (++tries > this.#limits.resumesMax) throw failureOf(new Error("its stream is lost"));
      await this.#flight.pause(Math.min(retryMs, RETRY_MS_MAX));
      answer = await this.#resume(lastEventId);
    }
  }

  /** Returns what ended the stream. */
  async #readEvents(answer: IncomingMessage, decoder: SseDecoder): Promise<unknown> {
    try {
      await readChunks(answer, this.#flight, Infinity, (chunk) => {
        for (const { type, data } of decoder.push(chunk)) {
          if (type === "message" && data.length > 0) this.#takeMessage(Message.from(data));
        }
        if (this.#isSettled) this.#flight.allow(AFTER_ANSWER_MS);
        return this.#inbox.room();
      });
      return new Error("its stream ended without an answer");
    } catch (error) {
      if (isProtocolError(error)) throw error;
      return error;
    }
  }

  /** `undefined` when the server could not be reached; that may pass. */
  async #resume(lastEventId: string): Promise<IncomingMessage | undefined> {
    if (this.#flight.reason !== undefined) throw this.#flight.reason;
    const header = eventIdHeader(lastEventId);
    if (header === undefined) throw offProtocol("its event id fits into no header");
    this.#flight.allow(this.#limits.headersTimeoutMs);
    const answer = await this.#session.get(this.#flight, header).catch(() => undefined);
    if (answer === undefined || answer.statusCode! >= 500) {
      answer?.destroy();
      return undefined;
    }
    if (answer.statusCode === 404 && this.#session.id !== undefined) {
      discard(answer);
      throw new SessionGone("unknown");
    }
    if (answer.statusCode === 200 && mediaType(answer) === "text/event-stream") return answer;
    throw unwanted(answer, `it does not resume its stream (status ${answer.statusCode})`);
  }

  #takeMessage(message: Message): void {
    if (message.kind === "invalid") throw offProtocol(message.problem!.message);
    if (message.kind !== "response") return this.#inbox.deliverOne(message);
    const { id } = message;
    if (id === undefined) return this.#settle(underId(message, this.message.id!));
    if (idKey(id) === this.#key) this.#settle(message);
    else this.#inbox.deliverOne(message); // of another request, or of none: the correlator knows
  }

  #settle(response: Message): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (this.message.method === "initialize") this.#session.learnVersion(response);
    this.#inbox.deliverOne(response);
    this.#onSettled();
  }
}

function isProtocolError(error: unknown): boolean {
  return (error as GatewayError).failure === "UpstreamProtocolError";
}

function unwanted(answer: IncomingMessage, why: string): GatewayError {
  discard(answer);
  return offProtocol(why);
}
