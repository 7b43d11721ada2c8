/**
 * The way out towards one peer: collects the messages of a turn into one write, knows how much waits,
 * and notices a peer that takes nothing.
 *
 * @module
 */
import { BatchHold, type Batching } from "./batching.ts";
import type { BufferBudget } from "./buffer_budget.ts";
import { monotonicMs } from "./clock.ts";
import type { Batch, BatchSink, Connection, Peer } from "./connection.ts";
import { sinkOf } from "./direct_path.ts";
import { GatewayError } from "./errors.ts";
import { WRITE_BYTES_MAX } from "./limits.ts";
import type { Message } from "./message.ts";
import { OUTBOX_DEFAULTS } from "./outbox_defaults.ts";
import { LOW_WATERMARK, type Pressure } from "./pressure.ts";
import { WaitingLine } from "./waiting_line.ts";
import { shortLived } from "./short_lived.ts";
import { StallWatch } from "./write_progress.ts";

/** Limits of an outbox. */
export interface OutboxOptions {
  /** More than this waiting is `full`, bytes. One message is always admitted to an empty outbox. */
  readonly bufferBytesMax: number;
  /** More than this waiting is `full`, messages. */
  readonly bufferMessagesMax: number;
  /** A write of which the peer takes nothing for so long aborts the connection, ms. */
  readonly writeStallMs: number;
  /** How long `close` waits for the peer to take what is left, ms. */
  readonly closeFlushMs: number;
  /** Messages that may wait in line for room. */
  readonly queueMessagesMax: number;
  /** Bytes that may wait in line for room. */
  readonly queueBytesMax: number;
  /** How long a message may wait in line, ms. */
  readonly admissionWaitMs: number;
  /** What is shared by all buffers of the process; over it, `admit` refuses. */
  readonly budget: BufferBudget;
  /** Makes the batching policy for a peer; without one, batches come from pressure alone. */
  readonly batching?: (peer: Peer) => Batching | undefined;
  /** Makes the watcher of the buffer towards a peer; it may slow work down before the buffer is full. */
  readonly pressure?: (peer: Peer) => Pressure | undefined;
  /** Told how many messages leave in one write. */
  readonly onWrite?: (messages: number) => void;
}

/** Owns a connection's writable side. One write is under way at a time; what comes meanwhile is the next batch. */
export class Outbox {
  readonly #connection: Connection;
  readonly #sink: BatchSink;
  readonly #options: OutboxOptions;
  readonly #budget: BufferBudget;
  readonly #pressure: Pressure | undefined;
  readonly #hold: BatchHold | undefined;
  #line: WaitingLine | undefined;
  readonly #stall: StallWatch;
  #waiting: Message[] = [];
  #waitingBytes = 0;
  #writingBytes = 0;
  #writingMessages = 0;
  #scheduled = false;
  #blocked = false;
  #failed = false;
  #isEnding = false;
  #drained: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, options: Partial<OutboxOptions> = {}) {
    this.#connection = connection;
    this.#sink = sinkOf(connection);
    this.#sink.ended.then(() => this.#fail(), () => this.#fail());
    const all = this.#options = { ...OUTBOX_DEFAULTS, ...options };
    this.#budget = all.budget;
    this.#pressure = all.pressure?.(connection.peer);
    const batching = all.batching?.(connection.peer);
    this.#hold = batching && new BatchHold(batching, () => this.#flush());
    this.#stall = new StallWatch(this.#sink, all.writeStallMs, () => this.#stalled());
  }

  /**
   * Whether new work for this peer should wait: the buffer was over its limit and has not fallen to the
   * low watermark since, or its watcher asks for a pause.
   */
  get full(): boolean {
    return this.#isBlocked() || (this.#pressure?.delayMs ?? 0) > 0;
  }

  /** Queues a message; it leaves with everything else of this turn. A broken connection drops it. */
  push(message: Message): void {
    if (this.#failed) return;
    const byteLength = message.bytes.length;
    this.#waiting.push(message);
    this.#waitingBytes += byteLength;
    this.#budget.add(byteLength);
    this.#measure();
    if (!this.#scheduled && this.#writingMessages === 0) {
      this.#scheduled = true;
      queueMicrotask(this.#flush);
    }
  }

  /**
   * Queues a message when there is room; without room it waits in line for it, first come first served.
   *
   * @throws {GatewayError} Overloaded when the line is full, the wait too long, or too much waits for all
   * peers together
   */
  admit(message: Message): Promise<void> | undefined {
    if (this.#failed) return;
    if (this.#budget.over) {
      return Promise.reject(this.#overloaded("too much waits for all peers together"));
    }
    if (!this.#isBlocked()) return void this.push(message);
    return (this.#line ??= this.#newLine()).join(message, () => this.push(message));
  }

  /** Takes a message that waits in line out of it: it is not sent. False when it does not. */
  withdraw(message: Message): boolean {
    return this.#line?.withdraw(message) === true;
  }

  /** Whether a message was never handed to the connection: the peer cannot have seen it. */
  isUnsent(message: Message): boolean {
    return this.#waiting.includes(message);
  }

  /** Whether nothing can be written any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Bytes that wait, those being written included. */
  get waitingBytes(): number {
    return this.#waitingBytes + this.#writingBytes;
  }

  /** Resolves when no more than so many bytes wait, or there is nobody to write to any more. */
  async below(bytesMax: number): Promise<void> {
    while (this.waitingBytes > bytesMax && !this.#failed) await this.#nextDrain();
  }

  /** Resolves when there is room, after the pause that the watcher asks for; or nobody to write to any more. */
  async ready(): Promise<void> {
    while (this.#isBlocked() && !this.#failed) await this.#nextDrain();
    const delayMs = this.#pressure?.delayMs ?? 0;
    if (delayMs > 0 && !this.#failed) await this.#pause(delayMs);
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
    this.#isEnding = true;
    this.#flush(); // what is held for more company gets none
    while (!this.#failed && (this.#waiting.length > 0 || this.#writingMessages > 0)) {
      await this.#nextDrain();
    }
    clearTimeout(giveUp);
    const ended = this.#failed ? this.#sink.abort() : this.#sink.close();
    this.#fail();
    await ended?.catch(() => {}); // the connection's own `closed` tells why it broke
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#waiting.length === 0 || this.#writingMessages > 0 || this.#failed) return;
    const nowMs = monotonicMs();
    if (this.#holds(nowMs)) return;
    const batch = this.#take(nowMs);
    this.#writingMessages = batch.length;
    this.#options.onWrite?.(batch.length);
    this.#stall.begin(nowMs);
    this.#sink.write(batch).then(this.#written, () => this.#fail());
  };

  #holds(nowMs: number): boolean {
    if (this.#hold === undefined || this.#isEnding) return false;
    return this.#hold.holds(this.#waiting.length, this.#waitingBytes, nowMs);
  }

  /** Messages of the next write: a write is held twice, as messages and as bytes, so it is kept small. */
  #writeCount(): number {
    if (this.#waitingBytes <= WRITE_BYTES_MAX) return this.#waiting.length;
    let count = 0;
    for (let bytes = 0; bytes < WRITE_BYTES_MAX; count++) {
      bytes += this.#waiting[count].bytes.length;
    }
    return count;
  }

  /** Moves what goes into one write from waiting to writing: everything, unless a policy bounds it. */
  #take(nowMs: number): Batch {
    const count = this.#hold?.take(this.#waiting, nowMs) ?? this.#writeCount();
    let batch = this.#waiting;
    let bytes = this.#waitingBytes;
    if (count === batch.length) this.#waiting = shortLived();
    else {
      batch = this.#waiting.splice(0, count);
      bytes = 0;
      for (const message of batch) bytes += message.bytes.length;
    }
    this.#writingBytes = bytes;
    this.#waitingBytes -= bytes;
    return batch;
  }

  readonly #written = (): void => {
    if (this.#failed) return;
    this.#stall.end();
    this.#budget.add(-this.#writingBytes);
    this.#writingMessages = 0;
    this.#writingBytes = 0;
    this.#measure();
    this.#line?.admitWhile(() => !this.#isBlocked());
    this.#flush();
    this.#signalDrained();
  };

  /** Looks at what waits after every change of it. */
  #measure(): void {
    const { bufferBytesMax, bufferMessagesMax } = this.#options;
    const bytes = this.waitingBytes;
    const messages = this.#waiting.length + this.#writingMessages;
    if (bytes > bufferBytesMax || messages > bufferMessagesMax) this.#blocked = true;
    else if (this.#blocked) {
      this.#blocked = bytes > LOW_WATERMARK * bufferBytesMax ||
        messages > LOW_WATERMARK * bufferMessagesMax;
    }
    this.#pressure?.update(bytes, messages);
  }

  /** A watcher cannot block an empty buffer: nothing would ever unblock it. */
  #isBlocked(): boolean {
    if (this.#blocked || this.#pressure === undefined) return this.#blocked;
    return this.#pressure.state === "blocked" &&
      this.#waiting.length + this.#writingMessages > 0;
  }

  async #pause(delayMs: number): Promise<void> {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      this.#signalDrained();
    }, delayMs);
    while (!isOver && !this.#failed && this.#pressure!.delayMs > 0) await this.#nextDrain();
    clearTimeout(timer);
  }

  #newLine(): WaitingLine {
    const { queueMessagesMax, queueBytesMax, admissionWaitMs, budget } = this.#options;
    return new WaitingLine({
      messagesMax: queueMessagesMax,
      bytesMax: queueBytesMax,
      waitMs: admissionWaitMs,
      budget,
      refusal: (why) => this.#overloaded(why),
    });
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

  #stalled(): void {
    const { writeStallMs } = this.#options;
    this.#connection.abort(this.#overloaded(`it took nothing for ${writeStallMs} ms`));
    this.#fail();
  }

  #fail(): void {
    this.#failed = true; // what waits stays, to tell the unsent from the unknown
    this.#budget.add(-this.#waitingBytes - this.#writingBytes);
    this.#waitingBytes = this.#writingBytes = this.#writingMessages = 0;
    this.#blocked = false;
    this.#pressure?.update(0, 0);
    this.#stall.stop();
    this.#hold?.cancel();
    this.#line?.refuseAll("the connection is gone");
    this.#signalDrained();
  }

  #signalDrained(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
