/**
 * How much nonsense a client may send before it is not listened to any more: a defect is told of, an attack
 * is not worth answering.
 *
 * @module
 */

const WINDOW_MS = 60_000;
/** Messages that are none, in any minute. */
const BAD_MESSAGES_MAX = 16;

/** Counts the bad messages of one connection. */
export class BadMessageAllowance {
  /** When the last ones came, oldest first. */
  #timesMs: number[] = [];

  /** Takes note of a bad message. False when it is one too many. */
  take(nowMs: number): boolean {
    this.#timesMs = this.#timesMs.filter((timeMs) => nowMs - timeMs < WINDOW_MS);
    return this.#timesMs.push(nowMs) <= BAD_MESSAGES_MAX;
  }
}
