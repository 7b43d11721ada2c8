/**
 * When what waits for a peer leaves. Without a policy an outbox writes at the end of the turn and
 * whenever a write ends, which costs no delay; a policy may hold messages back for more company and
 * bounds what goes into one write.
 *
 * @module
 */
import type { Message } from "./message.ts";

/** A rule for one peer; it may remember, so it is not shared between outboxes. */
export interface Batching {
  /** Messages in one write at most; so many waiting leave at once. */
  readonly countMax: number;
  /** Bytes in one write at most, except for a single larger message; so many waiting leave at once. */
  readonly bytesMax: number;
  /**
   * How long what waits may be held back, ms; 0 for not at all. Asked once for each batch, when
   * nothing is being written.
   *
   * @param queueDepth messages that wait
   * @param msSinceLastFlush ms since the batch before was handed over
   */
  delayFor(queueDepth: number, msSinceLastFlush: number): number;
  /**
   * Told of each batch that leaves.
   *
   * @param queueDepth messages that waited then
   * @param heldFrom messages that waited when it began to be held back; 0 when it never was
   */
  flushed?(queueDepth: number, heldFrom: number): void;
}

/** Keeps the one timer of a policy. */
export class BatchHold {
  readonly #batching: Batching;
  readonly #release: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;
  #heldFrom = 0;
  #lastFlushMs = -Infinity;

  /** @param release is called when a batch has been held for long enough */
  constructor(batching: Batching, release: () => void) {
    this.#batching = batching;
    this.#release = release;
  }

  /** Whether what waits is to wait on. Then `release` follows, unless the next look says otherwise. */
  holds(messages: number, bytes: number, nowMs: number): boolean {
    const { countMax, bytesMax } = this.#batching;
    if (this.#isDue || messages >= countMax || bytes >= bytesMax) return false;
    if (this.#timer !== undefined) return true;
    const delayMs = this.#batching.delayFor(messages, nowMs - this.#lastFlushMs);
    if (delayMs <= 0) return false;
    this.#heldFrom = messages;
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      this.#release();
    }, delayMs);
    return true;
  }

  /** How many of the messages that wait go into one write; at least one. Call when they leave. */
  take(waiting: readonly Message[], nowMs: number): number {
    const { countMax, bytesMax } = this.#batching;
    let count = 1, bytes = waiting[0].bytes.length;
    while (count < waiting.length && count < countMax) {
      bytes += waiting[count].bytes.length;
      if (bytes > bytesMax) break;
      count++;
    }
    this.#batching.flushed?.(waiting.length, this.#heldFrom);
    this.cancel();
    this.#lastFlushMs = nowMs;
    return count;
  }

  /** Holds nothing any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    this.#heldFrom = 0;
  }
}
