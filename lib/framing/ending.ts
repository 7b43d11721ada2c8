/**
 * The end of something.
 *
 * @module
 */
import type { TransportError } from "../core/errors.ts";

/** Makes its promise only for who asks: a promise that can be settled costs 270 bytes an idle connection. */
export class Ending {
  #isOver = false;
  #error: TransportError | undefined;
  #asked: PromiseWithResolvers<void> | undefined;

  /** Whether it has come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why it came, when it was out of order. */
  get error(): TransportError | undefined {
    return this.#error;
  }

  /** Resolves when it has come, rejects when it came out of order. */
  get promise(): Promise<void> {
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers<void>();
      this.#asked.promise.catch(() => {}); // a rejection without a listener ends the process
      if (this.#isOver) this.#settle(this.#asked);
    }
    return this.#asked.promise;
  }

  /** It has come; out of order where there is an error. Only the first time counts. */
  come(error?: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    if (this.#asked !== undefined) this.#settle(this.#asked);
  }

  #settle({ resolve, reject }: PromiseWithResolvers<void>): void {
    if (this.#error === undefined) resolve();
    else reject(this.#error);
  }
}
