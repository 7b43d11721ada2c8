/**
 * Hands what a listener's events brought to one iterator.
 *
 * @module
 */

/** A bounded queue with a single consumer. */
export class ArrivalQueue<T> implements AsyncIterable<T> {
  readonly #waitingMax: number;
  readonly #items: T[] = [];
  #taker: ((result: IteratorResult<T, undefined>) => void) | undefined;
  #hasEnded = false;

  /** @param waitingMax most items nobody has taken */
  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Adds an item; false when the queue is full or has ended. */
  push(item: T): boolean {
    if (this.#hasEnded || this.#items.length >= this.#waitingMax) return false;
    const taker = this.#taker;
    if (taker === undefined) this.#items.push(item);
    else {
      this.#taker = undefined;
      taker({ value: item, done: false });
    }
    return true;
  }

  /** Ends the iteration behind what is queued. */
  end(): void {
    this.#hasEnded = true;
    this.#taker?.({ value: undefined, done: true });
    this.#taker = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.end();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      return Promise.resolve({ value: this.#items.shift()!, done: false });
    }
    if (this.#hasEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#taker = resolve);
  }
}
