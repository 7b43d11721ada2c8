/**
 * How long things took: an HDR histogram of three significant digits, from 100 ns to 200 s.
 *
 * @module
 */
import {
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  Float64Histogram,
} from "hdr-histogram-js";

/** Ticks of 100 ns: below 2^31 up to 200 s, where the histogram counts fastest. */
const TICKS_PER_MS = 10_000;
const TICKS_MAX = 2_000_000_000;
const DIGITS = 3;
/** Half of the buckets of the first doubling: values below twice of it have a bucket each. */
const SUB_BUCKETS_HALF = 1024;

/** The percentiles that every report names. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly mean: number;
}

/** Durations in ms, merged without loss from any number of generators. */
export class Latencies {
  readonly #ticks = new Float64Histogram(1, TICKS_MAX, DIGITS);

  /** What {@link Latencies.encode} gave. @throws {Error} when it is something else */
  static decode(text: string): Latencies {
    const decoded = new Latencies();
    decoded.#ticks.add(decodeFromCompressedBase64(text, 64, false) as Float64Histogram);
    return decoded;
  }

  /** Counts one duration, ms; what is longer than 200 s counts as 200 s. */
  record(ms: number): void {
    const ticks = ms * TICKS_PER_MS;
    this.#ticks.recordValue(ticks < 0 ? 0 : ticks > TICKS_MAX ? TICKS_MAX : Math.round(ticks));
  }

  /** Adds everything that another has counted. */
  add(other: Latencies): void {
    this.#ticks.add(other.#ticks);
  }

  /** Durations counted. */
  get count(): number {
    return this.#ticks.totalCount;
  }

  /** So many percent took no longer, ms; 0 when there are none. */
  percentileMs(percent: number): number {
    if (this.count === 0) return 0;
    const { maxValue } = this.#ticks;
    return Math.min(this.#ticks.getValueAtPercentile(percent), maxValue) / TICKS_PER_MS;
  }

  /** The figures of a report, ms. */
  percentiles(): Percentiles {
    const at = (percent: number) => rounded(this.percentileMs(percent));
    return {
      count: this.count,
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      p999: at(99.9),
      max: at(100),
      mean: rounded(this.count === 0 ? 0 : this.#ticks.mean / TICKS_PER_MS),
    };
  }

  /**
   * Counts for a picture: so many buckets for each doubling of the duration, empty ones left out.
   *
   * @returns upper end of the bucket in ms, and how many fell into it
   */
  buckets(perDoubling = 4): [number, number][] {
    const found = new Map<number, number>();
    let left = this.count;
    for (let at = 0; left > 0; at++) {
      const count = this.#ticks.getCountAtIndex(at);
      if (count === 0) continue;
      left -= count;
      const index = Math.ceil(Math.log2(Math.max(ticksAt(at), 1)) * perDoubling);
      found.set(index, (found.get(index) ?? 0) + count);
    }
    return [...found].map(([index, count]) => [
      rounded(2 ** (index / perDoubling) / TICKS_PER_MS),
      count,
    ]);
  }

  /** Text for {@link Latencies.decode}. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#ticks);
  }

  /** Forgets everything. */
  reset(): void {
    this.#ticks.reset();
  }
}

/** Four digits are more than any of these figures is good for. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Lowest value of a bucket. */
function ticksAt(index: number): number {
  if (index < 2 * SUB_BUCKETS_HALF) return index;
  const doublings = Math.floor(index / SUB_BUCKETS_HALF) - 1;
  return (SUB_BUCKETS_HALF + index % SUB_BUCKETS_HALF) * 2 ** doublings;
}
