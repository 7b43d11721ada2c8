/**
 * Histograms with fixed buckets.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { type MetricChild, MetricFamily, type MetricOptions } from "./metric_family.ts";

/**
 * Upper bounds for the duration of calls, seconds: from the 100 us that a hop may add to the 10 min
 * after which no call lives on. 0.15 is the objective of docs/operations/slo.md.
 */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600],
];

/** What a histogram is declared with. */
export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Inclusive upper bounds, ascending and finite; `+Inf` is implied. {@link DURATION_BUCKETS_SECONDS} when absent. */
  readonly buckets?: readonly number[];
}

/** One series of a histogram. */
export class HistogramChild implements MetricChild {
  readonly labelValues: readonly string[];
  /** Observations per bucket, not cumulative; the last one is `+Inf`. */
  readonly counts: Float64Array;
  /** Sum of everything observed. */
  sum = 0;
  readonly #bounds: readonly number[];

  constructor(labelValues: readonly string[], bounds: readonly number[]) {
    this.labelValues = labelValues;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts one value (durations: seconds). NaN is ignored: it would spoil the sum for good. */
  observe(value: number): void {
    if (value !== value) return;
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) bucket++;
    this.counts[bucket]++;
    this.sum += value;
  }
}

/** A histogram and its series. */
export class Histogram<L extends string = never> extends MetricFamily<L, HistogramChild> {
  readonly kind = "histogram";
  /** Inclusive upper bounds without `+Inf`. */
  readonly buckets: readonly number[];

  /** @throws {SluiceError} when the bounds are not finite and ascending */
  constructor(options: HistogramOptions<L>, onOverflow: () => void) {
    super(options, onOverflow);
    this.buckets = [...(options.buckets ?? DURATION_BUCKETS_SECONDS)];
    const ascending = this.buckets.every((bound, i) =>
      Number.isFinite(bound) && (i === 0 || bound > this.buckets[i - 1])
    );
    if (!ascending) {
      throw new SluiceError(`Cannot register ${this.name}: buckets must be finite and ascending`);
    }
  }

  protected create(labelValues: readonly string[]): HistogramChild {
    return new HistogramChild(labelValues, this.buckets);
  }

  /** Histograms are always up to date. */
  collect(): void {}
}
