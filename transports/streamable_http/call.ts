/**
 * One request of a session towards a Streamable HTTP server: its POST, the answer in whichever form it
 * comes, and resuming an event stream that broke before the answer.
 *
 * Source: MCP specification, basic/transports, 2025-03-26 to 2025-11-25.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { Message } from "../../lib/core/message.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import { discard, failureOf, mediaType, offProtocol } from "../http/answer.ts";
import type { Asker } from "./asker.ts";
import { refusalOf, SessionGone } from "./refusal.ts";
import { type EventTaker, formOf, readDocument, readEvents, unwanted } from "./reply.ts";
import { eventIdHeader, type HttpSession } from "./session.ts";

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

/** A request on its way. */
export class PostCall implements EventTaker {
  readonly #asker: Asker;
  readonly #session: HttpSession;
  readonly #limits: ClientLimits;

  constructor(asker: Asker, session: HttpSession, limits: ClientLimits) {
    this.#asker = asker;
    this.#session = session;
    this.#limits = limits;
  }

  /**
   * Sends the request and delivers what comes back. Failures are delivered, too, except one.
   *
   * @throws {SessionGone} after the failure was delivered
   */
  async run(): Promise<void> {
    const { message, flight } = this.#asker;
    try {
      flight.allow(this.#limits.headersTimeoutMs);
      const answer = await this.#session.post(message, flight);
      await this.#takeAnswer(answer);
    } catch (error) {
      const gone = error instanceof SessionGone;
      this.#asker.fail(gone ? error.failure : failureOf(flight.reason ?? error));
      if (gone) throw error;
    }
  }

  get isSettled(): boolean {
    return this.#asker.isSettled;
  }

  room(): Promise<void> | undefined {
    return this.#asker.room();
  }

  take(message: Message): void {
    const response = this.#asker.take(message);
    if (response !== undefined) this.#settle(response);
  }

  #settle(response: Message): void {
    if (this.#asker.isSettled) return;
    if (this.#asker.message.method === "initialize") this.#session.learnVersion(response);
    this.#asker.settle(response);
  }

  async #takeAnswer(answer: IncomingMessage): Promise<void> {
    if (answer.statusCode !== 200) return await this.#takeRefusal(answer);
    const { message: asked, flight } = this.#asker;
    const form = formOf(answer);
    if (asked.method === "initialize") this.#session.learnId(answer);
    if (form === "events") return await this.#takeEvents(answer);
    const { messageBytesMax, bodyIdleMs } = this.#limits;
    const message = await readDocument(answer, flight, bodyIdleMs, messageBytesMax);
    if (!this.#asker.isFor(message)) throw offProtocol("it does not answer the request");
    this.take(message);
  }

  /** An answer with another status than 200. */
  async #takeRefusal(answer: IncomingMessage): Promise<void> {
    const { message, flight } = this.#asker;
    const refusal = await refusalOf(answer, flight, message.id!, this.#limits.bodyIdleMs);
    if (answer.statusCode === 404 && this.#session.id !== undefined) {
      throw new SessionGone("not_sent");
    }
    if (refusal instanceof Message) this.#settle(refusal);
    else throw refusal;
  }

  async #takeEvents(first: IncomingMessage): Promise<void> {
    const { flight } = this.#asker;
    let answer: IncomingMessage | undefined = first;
    let lastEventId = "", retryMs = this.#limits.retryMs, tries = 0;
    while (true) {
      if (answer !== undefined) {
        const decoder = new SseDecoder(this.#limits.messageBytesMax);
        const broken = await readEvents(answer, flight, decoder, this);
        if (this.isSettled) return;
        retryMs = decoder.retryMs ?? retryMs;
        if (decoder.lastEventId !== "") {
          lastEventId = decoder.lastEventId;
          tries = 0;
        }
        if (lastEventId === "") throw failureOf(flight.reason ?? broken);
      }
      if (++tries > this.#limits.resumesMax) throw failureOf(new Error("its stream is lost"));
      await flight.pause(Math.min(retryMs, RETRY_MS_MAX));
      answer = await this.#resume(lastEventId);
    }
  }

  /** `undefined` when the server could not be reached; that may pass. */
  async #resume(lastEventId: string): Promise<IncomingMessage | undefined> {
    const { flight } = this.#asker;
    if (flight.reason !== undefined) throw flight.reason;
    const header = eventIdHeader(lastEventId);
    if (header === undefined) throw offProtocol("its event id fits into no header");
    flight.allow(this.#limits.headersTimeoutMs);
    const answer = await this.#session.get(flight, header).catch(() => undefined);
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
}
