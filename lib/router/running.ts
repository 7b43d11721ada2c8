/**
 * Counts what is under way, for whoever has to wait until nothing is.
 *
 * @module
 */

/** See the module. */
export class Running {
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** How much is under way. */
  get count(): number {
    return this.#count;
  }

  /** Does work, and counts it meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await work();
    } finally {
      if (--this.#count === 0) this.#idle?.resolve();
    }
  }

  /** Resolves when nothing is under way, after so many ms in any case. */
  async idle(waitMs: number): Promise<void> {
    if (this.#count === 0) return;
    this.#idle = Promise.withResolvers<void>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, waitMs));
    await Promise.race([this.#idle.promise, late]);
    clearTimeout(timer);
  }
}
