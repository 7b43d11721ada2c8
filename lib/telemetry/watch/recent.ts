/**
 * The latest things of a kind, for people who look.
 *
 * @module
 */

/** Keeps the latest `max` things. */
export class Recent<T> {
  readonly #max: number;
  readonly #ring: T[] = [];
  #next = 0;

  /** @param max things that are kept */
  constructor(max: number) {
    this.#max = max;
  }

  /** Adds one; the oldest goes when there is no room. */
  add(thing: T): void {
    this.#ring[this.#next] = thing;
    this.#next = (this.#next + 1) % this.#max;
  }

  /** All that are kept, newest first. */
  list(): T[] {
    const { length } = this.#ring;
    return Array.from({ length }, (_, i) => this.#ring[(this.#next - 1 - i + 2 * length) % length]);
  }
}
