/**
 * The metrics of several workers as those of one gateway.
 *
 * @module
 */
import type { Counter } from "../telemetry/counter.ts";
import type { AcrossWorkers, Gauge } from "../telemetry/gauge.ts";
import type { Histogram } from "../telemetry/histogram.ts";
import { Registry } from "../telemetry/metrics.ts";

/** One series. */
interface SeriesSnapshot {
  readonly labels: readonly string[];
  /** Of counters and gauges. */
  readonly value?: number;
  /** Of histograms: observations per bucket, and their sum. */
  readonly counts?: readonly number[];
  readonly sum?: number;
}

/** One metric with all its series, as JSON carries it. */
export interface MetricSnapshot {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Of gauges. */
  readonly acrossWorkers?: AcrossWorkers;
  /** Of histograms. */
  readonly buckets?: readonly number[];
  readonly series: readonly SeriesSnapshot[];
}

/** Every metric of a registry, brought up to date first. */
export function snapshotOf(registry: Registry): MetricSnapshot[] {
  return registry.collect().map((metric): MetricSnapshot => {
    const { name, help, labels } = metric;
    const head = { name, help, labels };
    if (metric.kind === "histogram") {
      const series = metric.children().map(({ labelValues, counts, sum }) => ({
        labels: labelValues,
        counts: [...counts],
        sum,
      }));
      return { ...head, kind: metric.kind, buckets: metric.buckets, series };
    }
    const series = metric.children().map(({ labelValues, value }) => ({
      labels: labelValues,
      value,
    }));
    if (metric.kind === "counter") return { ...head, kind: metric.kind, series };
    return { ...head, kind: metric.kind, acrossWorkers: metric.acrossWorkers, series };
  });
}

/**
 * Adds snapshots up: counters and histograms by addition, gauges as they were declared.
 *
 * @throws {SluiceError} when two workers have different metrics under one name
 */
export function mergedRegistry(snapshots: readonly (readonly MetricSnapshot[])[]): Registry {
  const registry = new Registry();
  for (const snapshot of snapshots) {
    for (const metric of snapshot) addTo(registry, metric);
  }
  return registry;
}

function addTo(registry: Registry, metric: MetricSnapshot): void {
  // Each worker has kept to its own bound; together they pass it without harm.
  const { name, help, labels } = metric;
  const options = { name, help, labels, combinationsMax: Infinity };
  switch (metric.kind) {
    case "counter":
      return addCounter(registry.counter(options), metric);
    case "gauge":
      return addGauge(registry.gauge({ ...options, acrossWorkers: metric.acrossWorkers }), metric);
    case "histogram":
      return addHistogram(registry.histogram({ ...options, buckets: metric.buckets }), metric);
  }
}

function addCounter(counter: Counter<string>, { labels, series }: MetricSnapshot): void {
  for (const one of series) counter.with(labelled(labels, one)).inc(one.value);
}

function addGauge(gauge: Gauge<string>, { labels, series }: MetricSnapshot): void {
  const known = new Set(gauge.children());
  for (const one of series) {
    const child = gauge.with(labelled(labels, one));
    const { value = 0 } = one;
    child.set(known.has(child) ? TOGETHER[gauge.acrossWorkers](child.value, value) : value);
  }
}

const TOGETHER: Readonly<Record<AcrossWorkers, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};

function addHistogram(histogram: Histogram<string>, { labels, series }: MetricSnapshot): void {
  for (const one of series) {
    const child = histogram.with(labelled(labels, one));
    one.counts?.forEach((count, bucket) => child.counts[bucket] += count);
    child.sum += one.sum ?? 0;
  }
}

function labelled(names: readonly string[], { labels }: SeriesSnapshot): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, labels[i]]));
}
