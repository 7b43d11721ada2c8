/**
 * The way out towards one peer: collects the messages of a turn into one write, knows how much waits,
 * and notices a peer that takes nothing.
 *
 * @module
 */
import { monotonicMs } from "./clock.ts";
import type { Batch, Connection } from "./connection.ts";
import { GatewayError } from "./errors.ts";
import {
  ADMISSION_WAIT_MS,
  BUFFER_BYTES_MAX,
  BUFFER_MESSAGES_MAX,
  CLOSE_FLUSH_MS,
  QUEUE_BYTES_MAX,
  QUEUE_MESSAGES_MAX,
  WRITE_STALL_MS,
} from "./limits.ts";
import type { Message } from "./message.ts";

/** Limits of an outbox. */
export interface OutboxOptions {
  /** More than this waiting is `full`, bytes. One message is always admitted to an empty outbox. */
  readonly bufferBytesMax: number;
  /** More than this waiting is `full`, messages. */
  readonly bufferMessagesMax: number;
  /** A write that takes longer aborts the connection, ms. */
  readonly writeStallMs: number;
  /** How long `close` waits for the peer to take what is left, ms. */
  readonly closeFlushMs: number;
  /** Messages that may wait in line for room. */
  readonly queueMessagesMax: number;
  /** Bytes that may wait in line for room. */
  readonly queueBytesMax: number;
  /** How long a message may wait in line, ms. */
  readonly admissionWaitMs: number;
}

interface Place {
  readonly admit: () => void;
  readonly withdraw: () => void;
  readonly refuse: (error: GatewayError) => void;
}

const DEFAULTS: OutboxOptions = {
  bufferBytesMax: BUFFER_BYTES_MAX,
  bufferMessagesMax: BUFFER_MESSAGES_MAX,
  writeStallMs: WRITE_STALL_MS,
  closeFlushMs: CLOSE_FLUSH_MS,
  queueMessagesMax: QUEUE_MESSAGES_MAX,
  queueBytesMax: QUEUE_BYTES_MAX,
  admissionWaitMs: ADMISSION_WAIT_MS,
};

/**
 * Owns the writable side of a connection. One write is under way at a time; what arrives meanwhile
 * becomes the next batch, so batches grow with the load and cost no delay without it.
 */
export class Outbox {
  readonly #connection: Connection;
  readonly #writer: WritableStreamDefaultWriter<Batch>;
  readonly #options: OutboxOptions;
  #waiting: Message[] = [];
  #waitingBytes = 0;
  #writingBytes = 0;
  #writingMessages = 0;
  #writingSinceMs = 0;
  #scheduled = false;
  #failed = false;
  #drained: PromiseWithResolvers<void> | undefined;
  readonly #line = new Map<Message, Place>();
  #lineBytes = 0;
  #closing: Promise<void> | undefined;
  #stallTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, options: Partial<OutboxOptions> = {}) {
    this.#connection = connection;
    this.#writer = connection.writable.getWriter();
    this.#writer.closed.catch(() => this.#fail());
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Whether new work for this peer should wait. */
  get full(): boolean {
    const { bufferBytesMax, bufferMessagesMax } = this.#options;
    return this.#waitingBytes + this.#writingBytes > bufferBytesMax ||
      this.#waiting.length + this.#writingMessages > bufferMessagesMax;
  }

  /** Queues a message; it leaves with everything else of this turn. A broken connection drops it. */
  push(message: Message): void {
    if (this.#failed) return;
    this.#waiting.push(message);
    this.#waitingBytes += message.bytes.length;
    if (!this.#scheduled && this.#writingMessages === 0) {
      this.#scheduled = true;
      queueMicrotask(this.#flush);
    }
  }

  /**
   * Queues a message when there is room; without room it waits in line for it, first come first served.
   *
   * @throws {GatewayError} Overloaded when the line is full or the wait too long
   */
  admit(message: Message): Promise<void> | undefined {
    if (!this.full || this.#failed) return void this.push(message);
    return this.#waitInLine(message);
  }

  /** Takes a message that waits in line out of it: it is not sent. False when it does not. */
  withdraw(message: Message): boolean {
    const place = this.#line.get(message);
    place?.withdraw();
    return place !== undefined;
  }

  /** Whether a message was never handed to the connection: the peer cannot have seen it. */
  isUnsent(message: Message): boolean {
    return this.#waiting.includes(message);
  }

  /** Whether nothing can be written any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Resolves when there is room, or nobody to write to any more. */
  async ready(): Promise<void> {
    while (this.full && !this.#failed) await this.#nextDrain();
  }

  /**
   * Writes what waits, then ends the writable side; gives up on a peer that takes too long. Never rejects,
   * and later calls join the first.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const giveUp = setTimeout(() => this.#fail(), this.#options.closeFlushMs);
    while (!this.#failed && (this.#waiting.length > 0 || this.#writingMessages > 0)) {
      await this.#nextDrain();
    }
    clearTimeout(giveUp);
    const ended = this.#failed ? this.#writer.abort() : this.#writer.close();
    this.#fail();
    await ended.catch(() => {}); // the connection's own `closed` tells why it broke
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#waiting.length === 0 || this.#failed) return;
    const batch = this.#waiting;
    this.#writingMessages = batch.length;
    this.#writingBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writingSinceMs = monotonicMs();
    this.#stallTimer ??= setTimeout(this.#watch, this.#options.writeStallMs);
    this.#writer.write(batch).then(this.#written, () => this.#fail());
  };

  readonly #written = (): void => {
    this.#writingMessages = 0;
    this.#writingBytes = 0;
    for (const place of this.#line.values()) {
      if (this.full) break;
      place.admit();
    }
    this.#flush();
    this.#signalDrained();
  };

  async #waitInLine(message: Message): Promise<void> {
    const { queueMessagesMax, queueBytesMax, admissionWaitMs } = this.#options;
    if (this.#line.size >= queueMessagesMax || this.#lineBytes > queueBytesMax) {
      throw this.#overloaded("too much waits for it");
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const admit = () => resolve(this.push(message));
    const place: Place = {
      admit: () => leave(admit),
      withdraw: () => leave(resolve),
      refuse: (e) => leave(() => reject(e)),
    };
    const timer = setTimeout(
      () => place.refuse(this.#overloaded(`it took nothing more for ${admissionWaitMs} ms`)),
      admissionWaitMs,
    );
    const leave = (then: () => void) => {
      clearTimeout(timer);
      if (this.#line.delete(message)) this.#lineBytes -= message.bytes.length;
      then();
    };
    this.#line.set(message, place);
    this.#lineBytes += message.bytes.length;
    await promise;
  }

  #overloaded(why: string): GatewayError {
    const { transport, address } = this.#connection.peer;
    return new GatewayError("Overloaded", `Cannot write to ${transport} ${address}: ${why}`, {
      headers: { "retry-after": "1" },
    });
  }

  #nextDrain(): Promise<void> {
    return (this.#drained ??= Promise.withResolvers<void>()).promise;
  }

  readonly #watch = (): void => {
    this.#stallTimer = undefined;
    if (this.#writingMessages === 0 || this.#failed) return;
    const stalledMs = monotonicMs() - this.#writingSinceMs;
    const { writeStallMs } = this.#options;
    if (stalledMs < writeStallMs) {
      this.#stallTimer = setTimeout(this.#watch, writeStallMs - stalledMs);
      return;
    }
    this.#connection.abort(this.#overloaded(`it took nothing for ${writeStallMs} ms`));
    this.#fail();
  };

  #fail(): void {
    this.#failed = true; // what waits stays, to tell the unsent from the unknown
    this.#waitingBytes = this.#writingBytes = this.#writingMessages = 0;
    clearTimeout(this.#stallTimer);
    for (const place of this.#line.values()) {
      place.refuse(this.#overloaded("the connection is gone"));
    }
    this.#signalDrained();
  }

  #signalDrained(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
