/**
 * What the charts of a report are drawn with: scales, axes, text. Pictures are SVG within the page and
 * take their colours from its style, so that they fit a light and a dark page.
 *
 * @module
 */

/** Size of a chart in its own units; it is as wide as its place on the page. */
export const WIDTH = 480;
/** See {@link WIDTH}. */
export const HEIGHT = 230;
const LEFT = 66, RIGHT = 16, TOP = 12, BOTTOM = 34;

/** Maps values to positions. */
export type Scale = (value: number) => number;

/** One direction of a chart. */
export interface Axis {
  readonly scale: Scale;
  readonly ticks: readonly number[];
  readonly label: string;
}

/** Text that is safe within the page. */
export function escaped(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]!,
  );
}

/** A number as people read it: three digits, thousands apart. */
export function shown(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** Even steps from 0. */
export function linearAxis(max: number, direction: "x" | "y", label: string): Axis {
  const step = niceStep((max || 1) / 4);
  const top = Math.ceil((max || 1) / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return { scale: scaleOf((value) => value / top, direction), ticks, label };
}

/** Even steps of powers of ten; the range is widened to whole ones. */
export function logAxis(min: number, max: number, direction: "x" | "y", label: string): Axis {
  const from = Math.floor(Math.log10(min)), to = Math.max(from + 1, Math.ceil(Math.log10(max)));
  const share = (value: number) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from);
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  return { scale: scaleOf(share, direction), ticks, label };
}

/** A chart with its axes. @param title for those who cannot see it */
export function chart(title: string, x: Axis, y: Axis, content: readonly string[]): string {
  const bottom = HEIGHT - BOTTOM;
  const grid = y.ticks.map((tick) => {
    const at = y.scale(tick).toFixed(1);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>` +
      `<text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${shown(tick)}</text>`;
  });
  const marks = x.ticks.map((tick) => {
    const at = x.scale(tick).toFixed(1);
    return `<line class="grid" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}"/>` +
      `<text x="${at}" y="${bottom + 16}" text-anchor="middle">${shown(tick)}</text>`;
  });
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    ...grid,
    ...marks,
    ...content,
    `<text x="${WIDTH - 4}" y="${HEIGHT - 4}" text-anchor="end">${escaped(x.label)}</text>`,
    `<text x="4" y="${HEIGHT - 4}">${escaped(y.label)}</text>`,
    "</svg>",
  ].join("\n");
}

/** A line through points. */
export function line(points: readonly (readonly [number, number])[], name: string): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  return `<polyline class="line ${name}" points="${path}"/>`;
}

/** Position of the lower axis. */
export const BASE_LINE = HEIGHT - BOTTOM;

function scaleOf(share: Scale, direction: "x" | "y"): Scale {
  return direction === "x"
    ? (value) => LEFT + share(value) * (WIDTH - LEFT - RIGHT)
    : (value) => BASE_LINE - share(value) * (BASE_LINE - TOP);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
}
