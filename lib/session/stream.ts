/**
 * One stream of a session over HTTP. It outlives the exchange that carries it: a client whose connection broke
 * comes back with the id of the last event it saw, and goes on behind it.
 *
 * Source: MCP specification 2025-11-25, basic/transports, "Resumability and Redelivery".
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import type { Exchange, ExchangeEnd } from "../core/connection.ts";
import { EventLog, type LogBudget, type LoggedEvent } from "../core/event_log.ts";
import {
  EVENT_OVERHEAD_BYTES,
  STREAM_AWAITED_MS,
  STREAM_BYTES_MAX,
  STREAM_CLOSED_RETRY_MS,
  STREAM_EVENTS_MAX,
  STREAM_RETRY_MS,
} from "../core/limits.ts";
import { Message } from "../core/message.ts";

const ID_BYTES = 6;
const LIMITS = { eventsMax: STREAM_EVENTS_MAX, bytesMax: STREAM_BYTES_MAX };
/** Separates stream and number in an event id. */
export const ID_SEPARATOR = "_";

/**
 * Messages in one order, each under an event id, on whatever exchange carries them at the moment. What is sent
 * while there is none waits in the log.
 */
export class Stream {
  /** Names it in event ids. Random, so that an id of another session or of an earlier process fits none here. */
  readonly id = crypto.getRandomValues(new Uint8Array(ID_BYTES)).toHex();
  readonly #log: EventLog<Message>;
  readonly #primes: () => boolean;
  #carrier: Exchange | undefined;
  /** Since when there is no carrier. */
  #lostMs = monotonicMs();
  #writtenSequence = 0;
  #isWriting = false;
  #room: PromiseWithResolvers<void> | undefined;
  #answerSequence: number | undefined;
  #endedMs: number | undefined;

  /**
   * @param budget what all logs may hold together
   * @param primes whether the client takes events without data
   */
  constructor(budget: LogBudget, primes: () => boolean) {
    this.#log = new EventLog(LIMITS, budget);
    this.#primes = primes;
  }

  /** Whether an exchange carries it now. */
  get isCarried(): boolean {
    return this.#carrier?.gone === false;
  }

  /** Whether its client is there, or was a moment ago. */
  get isAwaited(): boolean {
    return this.isCarried || monotonicMs() - this.#lostMs < STREAM_AWAITED_MS;
  }

  /** When nothing could be added any more, monotonic ms; `undefined` while it lasts. */
  get endedMs(): number | undefined {
    return this.#endedMs;
  }

  /** Whether there is nothing to come back to. */
  get isForgotten(): boolean {
    return this.#endedMs !== undefined && this.#log.isEmpty;
  }

  /** Whether it can go on behind an event. */
  knows(sequence: number): boolean {
    return this.#log.knows(sequence);
  }

  /** Whether it has ended, and nothing came behind an event. */
  isOverAfter(sequence: number): boolean {
    return this.#endedMs !== undefined && sequence === this.#log.lastSequence;
  }

  /** Adds a message. Resolves when the client has room for more, or there is none. */
  send(message: Message): Promise<void> {
    if (this.#endedMs !== undefined) return NOW;
    this.#append(message);
    this.#write();
    return this.#isWriting ? (this.#room ??= Promise.withResolvers<void>()).promise : NOW;
  }

  /** Ends it with an answer. */
  end(answer: Message): void {
    if (this.#endedMs !== undefined) return;
    this.#append(answer);
    this.#answerSequence = this.#log.lastSequence;
    this.#endedMs = monotonicMs();
    this.#write();
  }

  /**
   * Makes an exchange the way to the client, in place of the one before.
   *
   * @param sequence number of the last event the client has; without one it gets what nobody was sent
   */
  carry(exchange: Exchange, sequence?: number): void {
    const before = this.#carrier;
    this.#lose();
    before?.finish(undefined, { retryMs: closedRetryMs() });
    this.#carrier = exchange;
    this.#writtenSequence = sequence ??
      Math.max(this.#writtenSequence, this.#log.firstSequence - 1);
    exchange.closed.then(() => {
      if (this.#carrier === exchange) this.#lose();
    });
    // Also where it is resumed: the reference client asks behind nothing when the connection breaks again at once.
    if (this.#primes()) exchange.prime(this.#eventId(this.#writtenSequence), STREAM_RETRY_MS);
    else exchange.send([]).catch(() => {}); // opens it; that the client has gone is told by `closed`
    this.#write();
  }

  /**
   * Ends it for good: the carrier gets what it has not got, nobody can come back.
   *
   * @param end said to the carrier
   */
  close(end: ExchangeEnd = { retryMs: closedRetryMs() }): void {
    const carrier = this.#carrier;
    const rest = this.#log.after(this.#writtenSequence) ?? [];
    const isAnswered = rest.length > 0 && rest.at(-1)!.sequence === this.#answerSequence;
    this.#lose();
    this.#endedMs ??= monotonicMs();
    this.#log.clear();
    if (carrier === undefined) return;
    const last = isAnswered ? undefined : end;
    if (rest.length === 0) return carrier.finish(undefined, last);
    const sent = carrier.send(rest.map(({ item }) => item), rest.map(this.#eventIdOf));
    sent.then(() => carrier.finish(undefined, last), () => {}); // a client that has gone needs no end
  }

  /** Frees what is remembered. */
  forget(): void {
    this.#log.clear();
  }

  #append(message: Message): void {
    const kept = ownBytes(message);
    this.#log.append(kept, kept.bytes.length + EVENT_OVERHEAD_BYTES);
    this.#log.sent(); // nothing here waits for a client to come back
  }

  /** Hands over what the carrier has not got, unless that is under way. */
  #write(): void {
    const carrier = this.#carrier;
    if (carrier === undefined || this.#isWriting) return;
    this.#isWriting = true;
    void this.#writeAll(carrier);
  }

  /** The carrier is written to by one turn of this loop at a time, and by nobody else. */
  async #writeAll(carrier: Exchange): Promise<void> {
    try {
      while (this.#carrier === carrier) {
        const events = this.#log.after(this.#writtenSequence);
        if (events === undefined) return this.#overrun(carrier);
        const isAnswered = events.length > 0 && events.at(-1)!.sequence === this.#answerSequence;
        const ahead = isAnswered ? events.slice(0, -1) : events;
        if (ahead.length === 0) return this.#rest(carrier, isAnswered ? events[0] : undefined);
        await this.#sendTo(carrier, ahead);
      }
    } catch {
      if (this.#carrier === carrier) this.#lose(); // it waits in the log for the next one
    }
  }

  async #sendTo(carrier: Exchange, events: readonly LoggedEvent<Message>[]): Promise<void> {
    const before = this.#writtenSequence;
    this.#writtenSequence = events.at(-1)!.sequence;
    try {
      await carrier.send(events.map(({ item }) => item), events.map(this.#eventIdOf));
    } catch (error) {
      if (this.#carrier === carrier) this.#writtenSequence = before;
      throw error;
    }
  }

  /** Everything has been handed over. */
  #rest(carrier: Exchange, answer: LoggedEvent<Message> | undefined): void {
    this.#freeRoom();
    if (this.#endedMs === undefined) return;
    this.#lose();
    if (answer === undefined) return carrier.finish();
    this.#writtenSequence = answer.sequence;
    carrier.finish(answer.item, { eventId: this.#eventIdOf(answer) });
  }

  /** The client is so slow that what it is to get next is forgotten: it learns so when it resumes. */
  #overrun(carrier: Exchange): void {
    this.#lose();
    carrier.finish(undefined, { retryMs: closedRetryMs() });
  }

  /** There is no carrier any more. */
  #lose(): void {
    if (this.#carrier !== undefined) this.#lostMs = monotonicMs();
    this.#carrier = undefined;
    this.#freeRoom();
  }

  #freeRoom(): void {
    this.#isWriting = false;
    this.#room?.resolve();
    this.#room = undefined;
  }

  readonly #eventIdOf = ({ sequence }: LoggedEvent<Message>): string => this.#eventId(sequence);

  #eventId(sequence: number): string {
    return `${this.id}${ID_SEPARATOR}${sequence}`;
  }
}

/** Many clients at once should not come back at once. */
function closedRetryMs(): number {
  return STREAM_CLOSED_RETRY_MS * (1 + Math.random());
}

/**
 * The message with bytes of its own: most are views of larger buffers, which a log would keep alive whole. The
 * copy is made once for a message that goes to many sessions.
 */
function ownBytes(message: Message): Message {
  const { bytes } = message;
  if (bytes.buffer.byteLength <= 2 * bytes.length + EVENT_OVERHEAD_BYTES) return message;
  let copy = copies.get(message);
  if (copy === undefined) copies.set(message, copy = Message.from(bytes.slice()));
  return copy.problem === undefined ? copy : message;
}

const copies = new WeakMap<Message, Message>();
const NOW = Promise.resolve();
