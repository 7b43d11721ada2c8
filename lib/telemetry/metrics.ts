/**
 * The metrics registry: one per gateway, handed to whoever counts. There is no global one.
 *
 * It stands in for prom-client, whose dependency overflows the parser's stack under `deno compile`.
 * Series are declared where they belong (see `gateway_metrics.ts`) and shown by `prometheus.ts`.
 *
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { Counter, type CounterOptions } from "./counter.ts";
import { Gauge, type GaugeOptions } from "./gauge.ts";
import { Histogram, type HistogramOptions } from "./histogram.ts";
import type { MetricOptions } from "./metric_family.ts";

/** Any metric, told apart by `kind`. */
export type Metric = Counter<string> | Gauge<string> | Histogram<string>;

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Holds every metric by name. */
export class Registry {
  readonly #metrics = new Map<string, Metric>();
  /** Every sample name in use, and the metric that owns it: `x_sum` belongs to the histogram `x`. */
  readonly #sampleOwners = new Map<string, string>();
  readonly #updates: (() => void)[] = [];
  readonly #overflows: Counter<"metric">;
  readonly #collectFailures: Counter<"metric">;

  /** Its own two metrics need no bound: they have one series per metric that the code declares. */
  constructor() {
    this.#overflows = this.counter({
      name: "sluice_metric_overflows_total",
      help: "Lookups sent to the series labelled other because the metric has too many.",
      labels: ["metric"],
      combinationsMax: Infinity,
    });
    this.#collectFailures = this.counter({
      name: "sluice_metric_collect_failures_total",
      help: "Metrics that could not be brought up to date before an exposition.",
      labels: ["metric"],
      combinationsMax: Infinity,
    });
  }

  /**
   * Declares a counter, or returns the one declared before with the same shape.
   *
   * @throws {SluiceError} when a name is not valid, or taken by a metric of another shape
   */
  counter<const L extends string = never>(options: CounterOptions<L>): Counter<L> {
    if (!options.name.endsWith("_total")) {
      throw new SluiceError(`Cannot register ${options.name}: a counter's name ends in _total`);
    }
    return this.#add(options, new Counter(options, this.#overflowOf(options.name)));
  }

  /**
   * Declares a gauge, or returns the one declared before with the same shape.
   *
   * @throws {SluiceError} when a name is not valid, or taken by a metric of another shape
   */
  gauge<const L extends string = never>(options: GaugeOptions<L>): Gauge<L> {
    return this.#add(options, new Gauge(options, this.#overflowOf(options.name)));
  }

  /**
   * Declares a histogram, or returns the one declared before with the same shape.
   *
   * @throws {SluiceError} when a name or the buckets are not valid, or the name is taken by a metric of another shape
   */
  histogram<const L extends string = never>(options: HistogramOptions<L>): Histogram<L> {
    return this.#add(options, new Histogram(options, this.#overflowOf(options.name)));
  }

  /** Calls `update` before every exposition, for series that are kept elsewhere. It must not throw. */
  onCollect(update: () => void): void {
    this.#updates.push(update);
  }

  /**
   * Every metric in the order of declaration, brought up to date by its `collect` callback. A callback
   * that throws leaves its metric as it was and is counted in `sluice_metric_collect_failures_total`.
   */
  collect(): readonly Metric[] {
    for (const update of this.#updates) update();
    const metrics = [...this.#metrics.values()];
    for (const metric of metrics) {
      try {
        metric.collect();
      } catch {
        this.#collectFailures.with({ metric: metric.name }).inc();
      }
    }
    return metrics;
  }

  #overflowOf(name: string): () => void {
    return () => this.#overflows.with({ metric: name }).inc();
  }

  #add<L extends string, M extends Counter<L> | Gauge<L> | Histogram<L>>(
    options: MetricOptions<L>,
    metric: M,
  ): M {
    const known = this.#metrics.get(options.name);
    if (known !== undefined) {
      if (shapeOf(known) === shapeOf(metric as unknown as Metric)) return known as unknown as M;
      throw new SluiceError(
        `Cannot register ${options.name}: it exists as ${shapeOf(known)}, not ${
          shapeOf(metric as unknown as Metric)
        }`,
      );
    }
    checkNames(metric as unknown as Metric);
    const samples = sampleNames(metric as unknown as Metric);
    for (const sample of samples) {
      const owner = this.#sampleOwners.get(sample);
      if (owner !== undefined) {
        throw new SluiceError(`Cannot register ${options.name}: ${owner} already shows ${sample}`);
      }
    }
    for (const sample of samples) this.#sampleOwners.set(sample, options.name);
    this.#metrics.set(options.name, metric as unknown as Metric);
    return metric;
  }
}

/** What two declarations of one name must share, as text for the error. */
function shapeOf(metric: Metric): string {
  const buckets = metric.kind === "histogram" ? ` with buckets ${metric.buckets.join(" ")}` : "";
  return `${metric.kind}{${metric.labels.join(",")}}${buckets}`;
}

function sampleNames(metric: Metric): string[] {
  if (metric.kind !== "histogram") return [metric.name];
  return [metric.name, `${metric.name}_bucket`, `${metric.name}_sum`, `${metric.name}_count`];
}

function checkNames(metric: Metric): void {
  if (!METRIC_NAME.test(metric.name)) {
    throw new SluiceError(`Cannot register ${JSON.stringify(metric.name)}: not a metric name`);
  }
  for (const label of metric.labels) {
    const reserved = metric.kind === "histogram" && label === "le";
    if (!LABEL_NAME.test(label) || reserved) {
      throw new SluiceError(`Cannot register ${metric.name}: ${label} cannot be a label`);
    }
  }
  if (new Set(metric.labels).size !== metric.labels.length) {
    throw new SluiceError(`Cannot register ${metric.name}: a label occurs twice`);
  }
}
