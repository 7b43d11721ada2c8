/**
 * Successes and failures of the recent past, in a ring of slots: constant memory, whatever the rate.
 *
 * @module
 */

const SLOTS = 12;

/** Counts outcomes of the last so many ms, exact to a twelfth of that. */
export class OutcomeWindow {
  readonly #slotMs: number;
  readonly #successes = new Uint32Array(SLOTS);
  readonly #failures = new Uint32Array(SLOTS);
  #newest = -Infinity;
  #succeeded = 0;
  #failed = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** Counts one outcome. */
  note(isFailure: boolean, nowMs: number): void {
    const slot = this.#advance(nowMs) % SLOTS;
    if (isFailure) {
      this.#failures[slot]++;
      this.#failed++;
    } else {
      this.#successes[slot]++;
      this.#succeeded++;
    }
  }

  /** Outcomes within the window. */
  count(nowMs: number): number {
    this.#advance(nowMs);
    return this.#succeeded + this.#failed;
  }

  /** Share of failures within the window; 0 when there were no outcomes. */
  errorRate(nowMs: number): number {
    const count = this.count(nowMs);
    return count === 0 ? 0 : this.#failed / count;
  }

  /** Forgets everything. */
  clear(): void {
    this.#successes.fill(0);
    this.#failures.fill(0);
    this.#succeeded = 0;
    this.#failed = 0;
  }

  /** Empties the slots whose time is over; returns the number of the current one. */
  #advance(nowMs: number): number {
    const now = Math.floor(nowMs / this.#slotMs);
    if (now <= this.#newest) return this.#newest;
    for (let number = Math.max(this.#newest + 1, now - SLOTS + 1, 0); number <= now; number++) {
      const slot = number % SLOTS;
      this.#succeeded -= this.#successes[slot];
      this.#failed -= this.#failures[slot];
      this.#successes[slot] = this.#failures[slot] = 0;
    }
    this.#newest = now;
    return now;
  }
}
