/**
 * When to look for memory that can be given back.
 *
 * @module
 */

/** Less than this above the start is not worth the few milliseconds of a trim. */
const WORTH_BYTES = 16 * 1024 * 1024;
/**
 * So much above the start, and so much of it outside of V8's heap, garbage is collected even under load: 200 clients
 * that never read made 350 MiB of it. An ordinary load holds as much, but 10 MiB outside: there a collection frees
 * what is soon taken again, and cost a third more CPU a call (HTTP, measured in turn).
 */
const HIGH_BYTES = 96 * 1024 * 1024;
const HIGH_EXTERNAL_BYTES = 16 * 1024 * 1024;
const HIGH_PAUSE_MS = 1_000;
const PAUSE_MS = 5_000;
/** What brought nothing is tried again after twice the pause, at most this. */
const PAUSE_MS_MAX = 320_000;
/** A collection stops everything: it gets a tenth of the time at most. */
const COLLECT_SPARING = 10;

/** Knows what the last attempt cost and brought. */
export class TrimSchedule {
  readonly #startBytes: number;
  #lastMs = -Infinity;
  #beforeBytes = 0;
  #lastBytes: number;
  #sparingMs = 0;
  #pauseMs = PAUSE_MS;

  /** @param startBytes what the process holds with nothing to do */
  constructor(startBytes: number) {
    this.#startBytes = this.#lastBytes = startBytes;
  }

  /**
   * What to do now: `collect` is garbage first and then a trim.
   *
   * @param bytes what the process holds, resident
   * @param externalBytes of it, what V8 knows to lie outside of its heap
   * @param isQuiet whether it has little to do, so that a pause of it delays nobody
   */
  next(
    nowMs: number,
    bytes: number,
    externalBytes: number,
    isQuiet: boolean,
  ): "collect" | "trim" | undefined {
    const aboveBytes = bytes - this.#startBytes;
    if (aboveBytes < WORTH_BYTES) return undefined;
    const isHigh = aboveBytes >= HIGH_BYTES && externalBytes >= HIGH_EXTERNAL_BYTES;
    const passedMs = nowMs - this.#lastMs;
    if (passedMs < Math.max(isHigh ? HIGH_PAUSE_MS : PAUSE_MS, this.#sparingMs)) return undefined;
    const isNew = Math.abs(bytes - this.#lastBytes) >= WORTH_BYTES;
    if (!isNew && passedMs < this.#pauseMs) return undefined;
    this.#beforeBytes = bytes;
    return isHigh || isQuiet ? "collect" : "trim";
  }

  /** Notes what it has come to. */
  done(nowMs: number, bytes: number, collectMs: number): void {
    this.#lastMs = nowMs;
    this.#lastBytes = bytes;
    this.#sparingMs = COLLECT_SPARING * collectMs;
    const hasBrought = this.#beforeBytes - bytes >= WORTH_BYTES;
    this.#pauseMs = hasBrought ? PAUSE_MS : Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
  }
}
