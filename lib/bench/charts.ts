/**
 * The charts of a report.
 *
 * @module
 */
import type { Comparison } from "./compare.ts";
import type { Figures, TimePoint } from "./figures.ts";
import {
  BASE_LINE,
  chart,
  escaped,
  HEIGHT,
  line,
  linearAxis,
  logAxis,
  shown,
  WIDTH,
} from "./chart_parts.ts";

/** One set of figures and its name in the style: `first` or `second`. */
export interface Series {
  readonly label: string;
  readonly style: "first" | "second";
  readonly figures: Figures;
}

/** Buckets of the histogram for each doubling of the latency. */
const BUCKETS_PER_DOUBLING = 4;

/** How many calls took how long, as shares; several series overlaid. */
export function latencyChart(series: readonly Series[]): string {
  const used = series.filter(({ figures }) => figures.histogram.length > 0);
  if (used.length === 0) return "";
  const ends = used.flatMap(({ figures }) => figures.histogram.map(([ms]) => ms));
  const x = logAxis(Math.min(...ends) / 2, Math.max(...ends), "x", "latency, ms");
  const shares = used.map(({ figures }) => {
    const total = figures.histogram.reduce((sum, [, count]) => sum + count, 0);
    return figures.histogram.map(([ms, count]) => [ms, 100 * count / total] as const);
  });
  const top = Math.max(...shares.flat().map(([, share]) => share));
  const y = linearAxis(top, "y", "% of calls");
  const bars = used.flatMap(({ style }, index) =>
    shares[index].map(([ms, share]) => {
      const right = x.scale(ms), left = x.scale(ms / 2 ** (1 / BUCKETS_PER_DOUBLING));
      const at = y.scale(share);
      const box = `x="${left.toFixed(1)}" width="${Math.max(0.5, right - left - 0.5).toFixed(1)}"`;
      const tall = `y="${at.toFixed(1)}" height="${(BASE_LINE - at).toFixed(1)}"`;
      const hint = `up to ${shown(ms)} ms: ${shown(share)} %`;
      return `<rect class="bar ${style}" ${box} ${tall}><title>${hint}</title></rect>`;
    })
  );
  return chart("How many calls took how long", x, y, bars);
}

/** Calls per second over time. */
export function rateChart(series: readonly Series[]): string {
  return overTime(series, "Calls per second", "calls/s", [(point) => point.ratePerSecond], false);
}

/** Latency over time: p50, and p99 dashed. */
export function latencyOverTimeChart(series: readonly Series[]): string {
  const lines = [({ p50 }: TimePoint) => p50, ({ p99 }: TimePoint) => p99];
  return overTime(series, "Latency over time, p50 and p99", "latency, ms", lines, true);
}

function overTime(
  series: readonly Series[],
  title: string,
  label: string,
  lines: readonly ((point: TimePoint) => number)[],
  isLog: boolean,
): string {
  const points = series.flatMap(({ figures }) => figures.timeline);
  if (points.length < 2) return "";
  const values = points.flatMap((point) => lines.map((of) => of(point))).filter((one) => one > 0);
  const x = linearAxis(Math.max(...points.map(({ at }) => at)), "x", "time, s");
  const top = Math.max(...values, 0);
  const y = isLog && values.length > 0
    ? logAxis(Math.min(...values), top, "y", label)
    : linearAxis(top, "y", label);
  const drawn = series.flatMap(({ figures, style }) =>
    lines.map((of, index) =>
      line(
        figures.timeline.map((point) => [x.scale(point.at), y.scale(of(point))]),
        index === 0 ? style : `${style} dashed`,
      )
    )
  );
  return chart(title, x, y, drawn);
}

const ROW = 26;
const LABELS = 190;

/** How much better or worse each metric became; noise as a grey band. */
export function comparisonChart(comparisons: readonly Comparison[], threshold: number): string {
  if (comparisons.length === 0) return "";
  const reach = Math.max(2 * threshold, ...comparisons.map((one) => Math.abs(one.worseBy)));
  const limit = Math.min(reach, 1);
  const middle = LABELS + (WIDTH - LABELS) / 2;
  const unit = (WIDTH - LABELS - 130) / 2 / limit;
  const height = Math.min(HEIGHT * 3, comparisons.length * ROW + 10);
  const rows = comparisons.map(({ label, worseBy, noise, verdict }, index) => {
    const y = index * ROW + 6;
    const length = unit * Math.min(Math.abs(worseBy), limit);
    const from = worseBy > 0 ? middle : middle - length;
    const band = unit * Math.min(noise, limit);
    const style = verdict === "regression" ? "bad" : worseBy < 0 ? "good" : "even";
    const percent = `${worseBy > 0 ? "+" : ""}${shown(100 * worseBy)} %`;
    return `<text x="0" y="${y + 13}">${escaped(label)}</text>` +
      `<rect class="noise" x="${(middle - band).toFixed(1)}" width="${
        (2 * band).toFixed(1)
      }" y="${y}" height="18"/>` +
      `<rect class="${style}" x="${from.toFixed(1)}" width="${length.toFixed(1)}" y="${
        y + 4
      }" height="10"/>` +
      `<text x="${WIDTH}" y="${y + 13}" text-anchor="end">${escaped(percent)}</text>`;
  });
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Comparison: to the right is worse">`,
    `<line class="grid" x1="${middle}" x2="${middle}" y1="0" y2="${height}"/>`,
    ...rows,
    "</svg>",
  ].join("\n");
}
