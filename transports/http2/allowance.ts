/**
 * How often something may happen: a bucket of tokens, and what was granted besides.
 *
 * @module
 */
import { monotonicMs } from "../../lib/core/clock.ts";

/** Size of the bucket, and how fast it fills. */
export interface AllowanceLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Of one kind of event, on one connection. */
export class Allowance {
  readonly #limit: AllowanceLimit;
  readonly #now: () => number;
  #tokens: number;
  #sinceMs: number;
  #granted = 0;

  /** @param now monotonic milliseconds */
  constructor(limit: AllowanceLimit, now: () => number = monotonicMs) {
    this.#limit = limit;
    this.#now = now;
    this.#tokens = limit.burst;
    this.#sinceMs = now();
  }

  /** Allows more, whenever it comes. */
  grant(count: number): void {
    this.#granted += count;
  }

  /** Takes one; false when there is none left. */
  take(): boolean {
    if (this.#granted > 0) {
      this.#granted--;
      return true;
    }
    const { burst, perSecond } = this.#limit;
    const nowMs = this.#now();
    const filled = this.#tokens + (nowMs - this.#sinceMs) * perSecond / 1000;
    this.#sinceMs = nowMs;
    this.#tokens = Math.min(burst, filled);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
