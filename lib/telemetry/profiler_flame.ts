/**
 * A flame graph as one SVG file that needs nothing else: no script, no font, no other file. A frame tells its
 * name, place and time to whoever points at it, and to screen readers.
 *
 * @module
 */
import type { Frame } from "./profiler_tree.ts";

const WIDTH = 1200, ROW = 18, TOP = 56, MARGIN = 10;
/** Narrower frames are left out, px. */
const WIDTH_MIN = 0.4;
/** A name is written where there is room for so many characters. */
const CHARS_MIN = 4, CHAR_WIDTH = 6.6;
const DEPTH_MAX = 80;

/**
 * Draws a tree of frames: the whole at the top, below each frame what it calls.
 *
 * @param title what was profiled
 */
export function flameGraph(root: Frame, title: string): string {
  const rects: string[] = [];
  let rows = 1;
  const draw = (frame: Frame, x: number, depth: number) => {
    const width = (WIDTH - 2 * MARGIN) * frame.totalUs / Math.max(1, root.totalUs);
    if (width < WIDTH_MIN || depth > DEPTH_MAX) return;
    rows = Math.max(rows, depth + 1);
    rects.push(frameShape(frame, root, x, depth, width));
    let at = x;
    for (const child of frame.children) {
      draw(child, at, depth + 1);
      at += (WIDTH - 2 * MARGIN) * child.totalUs / Math.max(1, root.totalUs);
    }
  };
  draw(root, MARGIN, 0);
  const height = TOP + rows * ROW + MARGIN;
  const busy = `${(root.totalUs / 1000).toFixed(0)} ms busy`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}"`,
    ` height="${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${MARGIN}" y="22" font-size="15" font-weight="600" fill="#16202b">${
      escaped(title)
    }</text>`,
    `<text x="${MARGIN}" y="42" fill="#55616e">${busy}; width is time, each row is called by the one above it</text>`,
    ...rects,
    `</svg>\n`,
  ].join("\n");
}

function frameShape(frame: Frame, root: Frame, x: number, depth: number, width: number): string {
  const y = TOP + depth * ROW;
  const share = (100 * frame.totalUs / Math.max(1, root.totalUs)).toFixed(1);
  const told = `${frame.name}${frame.place && ` (${frame.place})`}: ${share} %, ${
    (frame.totalUs / 1000).toFixed(1)
  } ms`;
  const chars = Math.floor((width - 6) / CHAR_WIDTH);
  const name = frame.name.length > chars ? `${frame.name.slice(0, chars - 1)}…` : frame.name;
  const label = chars < CHARS_MIN
    ? ""
    : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}" fill="#1b1206">${escaped(name)}</text>`;
  return `<g><title>${escaped(told)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${
    Math.max(width - 0.5, 0.3).toFixed(1)
  }" height="${ROW - 1}" rx="2" fill="${colourOf(frame)}"/>${label}</g>`;
}

/** Own code is warm, the runtime's cool; the same function has the same colour everywhere. */
function colourOf({ name, place }: Frame): string {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash, 31) + name.charCodeAt(i) | 0;
  const step = (hash >>> 0) % 5;
  if (place === "" || /^(ext:|node:)/.test(place)) {
    return `hsl(205 ${38 + step * 4}% ${74 + step}%)`;
  }
  return `hsl(${24 + step * 6} ${78 - step * 3}% ${68 + step}%)`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
