/**
 * Gauges: values that rise and fall.
 *
 * @module
 */
import { type MetricChild, MetricFamily, type MetricOptions } from "./metric_family.ts";

/** What the values of several workers are together. */
export type AcrossWorkers = "sum" | "max" | "min";

/** What a gauge is declared with. */
export interface GaugeOptions<L extends string> extends MetricOptions<L> {
  /** What the values of several workers are together: their sum when absent. */
  readonly acrossWorkers?: AcrossWorkers;
  /** Brings the gauge up to date; called before every exposition. */
  collect?(gauge: Gauge<L>): void;
}

/** One series of a gauge. */
export class GaugeChild implements MetricChild {
  readonly labelValues: readonly string[];
  /** The value now. */
  value = 0;

  constructor(labelValues: readonly string[]) {
    this.labelValues = labelValues;
  }

  set(value: number): void {
    this.value = value;
  }

  inc(n = 1): void {
    this.value += n;
  }

  dec(n = 1): void {
    this.value -= n;
  }
}

/** A gauge and its series. */
export class Gauge<L extends string = never> extends MetricFamily<L, GaugeChild> {
  readonly kind = "gauge";
  readonly #options: GaugeOptions<L>;

  constructor(options: GaugeOptions<L>, onOverflow: () => void) {
    super(options, onOverflow);
    this.#options = options;
  }

  /** What the values of several workers are together. */
  get acrossWorkers(): AcrossWorkers {
    return this.#options.acrossWorkers ?? "sum";
  }

  protected create(labelValues: readonly string[]): GaugeChild {
    return new GaugeChild(labelValues);
  }

  /** Runs the `collect` callback, if there is one. */
  collect(): void {
    this.#options.collect?.(this);
  }
}
