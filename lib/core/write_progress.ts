/**
 * Tells a slow peer from one that takes nothing. A write of 4 MiB may rightly take minutes; a limit on
 * the time of a write would cut a steady reader.
 *
 * @module
 */
import { monotonicMs } from "./clock.ts";

/** Counts what a peer has taken, also within a write. */
export interface Meter {
  /** Bytes taken since the beginning. */
  readonly bytesTaken: number;
}

/** A writable that counts what its peer has taken. */
export class MeteredWritable<T> extends WritableStream<T> {
  /** Bytes taken since the beginning. Only whoever made the stream writes it. */
  bytesTaken = 0;
}

/** Looks so often within the time allowed: a stall is noticed at most a quarter late. */
const LOOKS = 4;

/** Watches writes to one peer. One timer for all of them: it looks, and lapses when nothing is being written. */
export class StallWatch {
  readonly #sink: Meter;
  readonly #stallMs: number;
  readonly #onStall: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWriting = false;
  #sinceMs = 0;
  #bytesTaken = 0;

  /**
   * @param sink one that always says 0: then only the end of a write is progress
   * @param stallMs time without progress after which `onStall` is called once, ms
   */
  constructor(sink: Meter, stallMs: number, onStall: () => void) {
    this.#sink = sink;
    this.#stallMs = stallMs;
    this.#onStall = onStall;
  }

  /** A write begins. */
  begin(nowMs: number): void {
    this.#isWriting = true;
    this.#sinceMs = nowMs;
    this.#timer ??= setTimeout(this.#look, this.#stallMs / LOOKS);
  }

  /** The write has ended. */
  end(): void {
    this.#isWriting = false;
  }

  /** Nothing will be written any more. */
  stop(): void {
    this.#isWriting = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#isWriting) return;
    const nowMs = monotonicMs();
    const taken = this.#sink.bytesTaken;
    if (taken !== this.#bytesTaken) {
      this.#bytesTaken = taken;
      this.#sinceMs = nowMs;
    }
    if (nowMs - this.#sinceMs >= this.#stallMs) return this.#onStall();
    this.#timer = setTimeout(this.#look, this.#stallMs / LOOKS);
  };
}
