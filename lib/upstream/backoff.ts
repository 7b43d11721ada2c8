/**
 * How long to wait before the next try: exponential with full jitter, so that many clients of one
 * dead server do not come back in step (the scheme of the AWS architecture blog's "Exponential Backoff
 * And Jitter").
 *
 * @module
 */

/** Waiting times between tries. */
export interface BackoffOptions {
  /** Upper bound of the first wait, ms. */
  readonly firstMs: number;
  /** Upper bound of every wait, ms. */
  readonly maxMs: number;
}

/** Counts failures and says how long to wait after them. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** Wait before the next try, ms; 0 as long as nothing failed. */
  get delayMs(): number {
    if (this.#failures === 0) return 0;
    const { firstMs, maxMs } = this.#options;
    return this.#random() * Math.min(maxMs, firstMs * 2 ** (this.#failures - 1));
  }

  /** Notes a failure. */
  failed(): void {
    this.#failures++;
  }

  /** Forgets the failures. */
  succeeded(): void {
    this.#failures = 0;
  }
}
