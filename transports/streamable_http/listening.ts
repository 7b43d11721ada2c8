/**
 * The general stream of a session: a GET that the server uses for what belongs to no request. Opened
 * again whenever it ends, for as long as the connection lives.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { SseDecoder } from "../../lib/framing/sse_events.ts";
import { discard, mediaType, readChunks } from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";
import type { Inbox } from "./inbox.ts";
import { SessionGone } from "./refusal.ts";
import { eventIdHeader, type HttpSession } from "./session.ts";

/** Limits of a listening stream. */
export interface ListeningLimits {
  readonly messageBytesMax: number;
  /** Wait before it is opened again where the server names no time, ms. */
  readonly retryMs: number;
}

/** Longest wait before the next try, ms. */
const WAIT_MS_MAX = 30_000;
/** Servers that answer with an error in vain so often are left alone. */
const REFUSALS_MAX = 5;

/** The GET stream of a session. */
export class Listening {
  readonly #flight: Flight;
  readonly #session: HttpSession;
  readonly #inbox: Inbox;
  readonly #limits: ListeningLimits;
  readonly #onBad: (problem: unknown) => void;
  #lastEventId: string | undefined;
  #retryMs: number;
  #failures = 0;

  /** @param onBad told of events that are no messages, and of why the stream broke */
  constructor(
    flight: Flight,
    session: HttpSession,
    inbox: Inbox,
    limits: ListeningLimits,
    onBad: (problem: unknown) => void,
  ) {
    this.#flight = flight;
    this.#session = session;
    this.#inbox = inbox;
    this.#limits = limits;
    this.#onBad = onBad;
    this.#retryMs = limits.retryMs;
  }

  /**
   * Listens until the flight is aborted or the server says that it has no such stream.
   *
   * @throws {SessionGone}
   */
  async run(): Promise<void> {
    while (this.#flight.reason === undefined) {
      if (!await this.#listenOnce()) return;
      if (this.#flight.reason === undefined) await this.#flight.pause(this.#waitMs());
    }
  }

  /** False when another try is pointless. */
  async #listenOnce(): Promise<boolean> {
    let answer: IncomingMessage;
    try {
      answer = await this.#session.get(this.#flight, this.#lastEventId);
    } catch (error) {
      this.#failed(error);
      return true;
    }
    const isStream = answer.statusCode === 200 && mediaType(answer) === "text/event-stream" &&
      answer.headers["content-encoding"] === undefined;
    if (!isStream) return this.#refused(answer);
    await this.#read(answer);
    return true;
  }

  #refused(answer: IncomingMessage): boolean {
    const status = answer.statusCode!;
    discard(answer);
    if (status === 404 && this.#session.id !== undefined) throw new SessionGone("not_sent");
    if (status === 405) return false;
    this.#failed(new Error(`GET was answered with status ${status}`));
    this.#lastEventId = undefined; // perhaps it is the resumption that is refused
    return this.#failures < REFUSALS_MAX;
  }

  async #read(answer: IncomingMessage): Promise<void> {
    const decoder = new SseDecoder(this.#limits.messageBytesMax);
    try {
      await readChunks(answer, this.#flight, Infinity, (chunk) => {
        for (const { type, data } of decoder.push(chunk)) {
          this.#failures = 0;
          if (type === "message" && data.length > 0) this.#take(Message.from(data));
        }
        return this.#inbox.room();
      });
      this.#failures = 0;
    } catch (error) {
      this.#failed(error);
    }
    this.#retryMs = decoder.retryMs ?? this.#retryMs;
    if (decoder.lastEventId !== "") this.#lastEventId = eventIdHeader(decoder.lastEventId);
  }

  #take(message: Message): void {
    if (message.kind === "invalid") this.#onBad(message.problem);
    else this.#inbox.deliverOne(message);
  }

  #failed(error: unknown): void {
    this.#failures++;
    if (this.#flight.reason === undefined) this.#onBad(error as GatewayError);
  }

  /** What the server asked for; doubled with every failure, and never all clients at once. */
  #waitMs(): number {
    const waitMs = Math.min(WAIT_MS_MAX, this.#retryMs * 2 ** Math.min(this.#failures, 10));
    return this.#failures === 0 ? waitMs : waitMs * (0.5 + Math.random() / 2);
  }
}
