/**
 * The streams that a client has opened, as far as the other side has not yet done something about them.
 *
 * @module
 */

/** More can wait only behind frames that nobody reads; the oldest are then forgotten. */
const UNTAKEN_MAX = 1000;

/** Of one connection. */
export class OpenedStreams {
  /** Those without an answer. */
  readonly #unanswered = new Set<number>();
  /** Those that hyper has not accepted, as it accepts them: in order. */
  readonly #untaken: number[] = [];

  /** A stream was opened. */
  open(stream: number): void {
    this.#unanswered.add(stream);
    if (this.#untaken.push(stream) > UNTAKEN_MAX) this.#untaken.shift();
  }

  /** hyper has accepted one. */
  take(): void {
    this.#untaken.shift();
  }

  /** hyper has answered or ended one. Returns whether it had no answer before. */
  settle(stream: number): boolean {
    const at = this.#untaken.indexOf(stream);
    if (at >= 0) this.#untaken.splice(at, 1);
    return this.#unanswered.delete(stream);
  }

  /** The client has ended one. Returns whether it had no answer. */
  cancel(stream: number): boolean {
    return this.#unanswered.delete(stream);
  }

  /** Whether hyper has not accepted one, as far as can be told. */
  isUntaken(stream: number): boolean {
    return this.#untaken.includes(stream);
  }
}
