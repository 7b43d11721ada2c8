/**
 * The Prometheus text exposition format, version 0.0.4.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @module
 */
import type { Histogram, HistogramChild } from "./histogram.ts";
import type { Metric, Registry } from "./metrics.ts";

/** Content type of {@link renderPrometheus}. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Every series of the registry as text, brought up to date first. Metrics without a series are left out.
 * Never throws: a `collect` callback that fails is counted by the registry.
 */
export function renderPrometheus(registry: Registry): string {
  let text = "";
  for (const metric of registry.collect()) text += renderMetric(metric);
  return text;
}

function renderMetric(metric: Metric): string {
  if (metric.children().length === 0) return "";
  const head = `# HELP ${metric.name} ${escapeHelp(metric.help)}\n` +
    `# TYPE ${metric.name} ${metric.kind}\n`;
  if (metric.kind === "histogram") return head + renderHistogram(metric);
  let text = head;
  for (const child of metric.children()) {
    const pairs = labelPairs(metric.labels, child.labelValues);
    text += `${metric.name}${braced(pairs)} ${formatValue(child.value)}\n`;
  }
  return text;
}

function renderHistogram(metric: Histogram<string>): string {
  const bounds = [...metric.buckets.map(formatValue), "+Inf"];
  let text = "";
  for (const child of metric.children()) {
    text += renderHistogramChild(metric.name, labelPairs(metric.labels, child.labelValues), {
      child,
      bounds,
    });
  }
  return text;
}

function renderHistogramChild(
  name: string,
  pairs: string,
  { child, bounds }: { child: HistogramChild; bounds: readonly string[] },
): string {
  const start = pairs === "" ? `${name}_bucket{le="` : `${name}_bucket{${pairs},le="`;
  let text = "";
  let cumulative = 0;
  for (let i = 0; i < bounds.length; i++) {
    cumulative += child.counts[i];
    text += `${start}${bounds[i]}"} ${cumulative}\n`;
  }
  const labels = braced(pairs);
  return `${text}${name}_sum${labels} ${formatValue(child.sum)}\n` +
    `${name}_count${labels} ${cumulative}\n`;
}

function labelPairs(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escapeLabelValue(values[i])}"`).join(",");
}

function braced(pairs: string): string {
  return pairs === "" ? "" : `{${pairs}}`;
}

/** A sample value as Go's `ParseFloat` reads it. */
export function formatValue(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}

/** Escapes what may stand between the quotes of a label value. */
export function escapeLabelValue(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => c === "\n" ? "\\n" : `\\${c}`);
}

/** Escapes the text of a HELP line. */
export function escapeHelp(help: string): string {
  return help.replace(/[\\\n]/g, (c) => c === "\n" ? "\\n" : "\\\\");
}
