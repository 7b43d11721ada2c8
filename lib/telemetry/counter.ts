/**
 * Counters: totals that only grow.
 *
 * @module
 */
import { type MetricChild, MetricFamily, type MetricOptions } from "./metric_family.ts";

/** What a counter is declared with. */
export interface CounterOptions<L extends string> extends MetricOptions<L> {
  /** Brings the counter up to date; called before every exposition. */
  collect?(counter: Counter<L>): void;
}

/** One series of a counter. */
export class CounterChild implements MetricChild {
  readonly labelValues: readonly string[];
  /** The total so far. */
  value = 0;

  constructor(labelValues: readonly string[]) {
    this.labelValues = labelValues;
  }

  /** Adds `n`. Anything not above 0 (NaN too) is ignored: a counter never falls, and counting never throws. */
  inc(n = 1): void {
    if (n > 0) this.value += n;
  }

  /** Raises the counter to a total kept elsewhere (by the operating system, say). Never lowers it. */
  raiseTo(total: number): void {
    if (total > this.value) this.value = total;
  }
}

/** A counter and its series. */
export class Counter<L extends string = never> extends MetricFamily<L, CounterChild> {
  readonly kind = "counter";
  readonly #options: CounterOptions<L>;

  constructor(options: CounterOptions<L>, onOverflow: () => void) {
    super(options, onOverflow);
    this.#options = options;
  }

  protected create(labelValues: readonly string[]): CounterChild {
    return new CounterChild(labelValues);
  }

  /** Runs the `collect` callback, if there is one. */
  collect(): void {
    this.#options.collect?.(this);
  }
}
