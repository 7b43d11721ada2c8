/**
 * The registry as the body of a request to `/v1/metrics`: the same names and labels as in the Prometheus text.
 *
 * Source: opentelemetry-proto, metrics/v1/metrics.proto; totals since the start (cumulative temporality).
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { HistogramChild } from "../histogram.ts";
import type { Metric, Registry } from "../metrics.ts";
import {
  attributeJson,
  attributesJson,
  followWallClock,
  type Resource,
  scopeJson,
  unixNanos,
} from "./otlp_json.ts";

const CUMULATIVE = 2;

/** JSON text of everything that is registered, as it is now. */
export function metricsJson(resource: Resource, registry: Registry): string {
  followWallClock();
  const times = `"startTimeUnixNano":"${unixNanos(0)}","timeUnixNano":"${
    unixNanos(monotonicMs())
  }"`;
  const metrics = registry.collect()
    .filter((metric) => metric.children().length > 0)
    .map((metric) => metricJson(metric, times));
  return `{"resourceMetrics":[{"resource":{"attributes":[${
    attributesJson(resource.attributes)
  }]},` +
    `"scopeMetrics":[{"scope":${scopeJson(resource)},"metrics":[${metrics.join(",")}]}]}]}`;
}

function metricJson(metric: Metric, times: string): string {
  const head = `"name":${JSON.stringify(metric.name)},"description":${JSON.stringify(metric.help)}`;
  return `{${head},${dataJson(metric, times)}}`;
}

function dataJson(metric: Metric, times: string): string {
  switch (metric.kind) {
    case "counter":
      return `"sum":{"aggregationTemporality":${CUMULATIVE},"isMonotonic":true,` +
        `"dataPoints":[${numbersJson(metric, times)}]}`;
    case "gauge":
      return `"gauge":{"dataPoints":[${numbersJson(metric, times)}]}`;
    case "histogram":
      return `"histogram":{"aggregationTemporality":${CUMULATIVE},` +
        `"dataPoints":[${histogramsJson(metric, times)}]}`;
  }
}

function numbersJson(
  metric: Extract<Metric, { kind: "counter" | "gauge" }>,
  times: string,
): string {
  return metric.children().map((child) =>
    `{${labelsJson(metric, child.labelValues)},${times},"asDouble":${numberJson(child.value)}}`
  ).join(",");
}

function histogramsJson(metric: Extract<Metric, { kind: "histogram" }>, times: string): string {
  const bounds = JSON.stringify(metric.buckets);
  return metric.children().map((child: HistogramChild) => {
    const counts = [...child.counts];
    const count = counts.reduce((sum, one) => sum + one, 0);
    return `{${labelsJson(metric, child.labelValues)},${times},"count":"${count}",` +
      `"sum":${numberJson(child.sum)},"bucketCounts":[${counts.map((one) => `"${one}"`)}],` +
      `"explicitBounds":${bounds}}`;
  }).join(",");
}

function labelsJson({ labels }: Metric, values: readonly string[]): string {
  const attributes = labels.map((label, index) => attributeJson(label, values[index]));
  return `"attributes":[${attributes.join(",")}]`;
}

/** JSON has no other way to write what is no finite number. */
function numberJson(value: number): string {
  return Number.isFinite(value) ? String(value) : `"${Number.isNaN(value) ? "NaN" : value}"`;
}
