/**
 * Notifications that a client was sent, until a test takes them.
 *
 * @module
 */
import { bounded } from "../fixtures/child_wait.ts";

/** A notification of the server. */
export interface Told {
  readonly method: string;
  // deno-lint-ignore no-explicit-any -- tests look into it freely
  readonly params?: any;
}

/** Notifications until somebody takes them. */
export class Mailbox {
  readonly #waiting: Told[] = [];
  #arrived = Promise.withResolvers<void>();

  /** Adds one. */
  put(told: Told): void {
    this.#waiting.push(told);
    this.#arrived.resolve();
  }

  /** Waits for one that came, or comes, and takes it. */
  async take(method: string, fits: (told: Told) => boolean = () => true): Promise<Told> {
    for (;;) {
      const at = this.#waiting.findIndex((told) => told.method === method && fits(told));
      if (at >= 0) return this.#waiting.splice(at, 1)[0];
      this.#arrived = Promise.withResolvers();
      await bounded(this.#arrived.promise, `${method}; got ${JSON.stringify(this.#waiting)}`);
    }
  }
}
