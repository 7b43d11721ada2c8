/**
 * Counts events in windows of fixed length.
 *
 * @module
 */
import { monotonicMs } from "../../lib/core/clock.ts";

/** Says when more happen than may. */
export class RateWindow {
  readonly #eventsMax: number;
  readonly #windowMs: number;
  #count = 0;
  #startMs = -Infinity;

  /** @param eventsMax in one window */
  constructor(eventsMax: number, windowMs: number) {
    this.#eventsMax = eventsMax;
    this.#windowMs = windowMs;
  }

  /** Counts one more; false when it is too many. */
  admit(): boolean {
    if (this.#count === 0 || monotonicMs() - this.#startMs >= this.#windowMs) {
      this.#count = 0;
      this.#startMs = monotonicMs();
    }
    return ++this.#count <= this.#eventsMax;
  }
}
