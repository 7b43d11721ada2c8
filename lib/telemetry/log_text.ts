/**
 * Log lines for people at a terminal.
 *
 * @module
 */

/** Control characters, C1 included, and those that reorder text: they could rewrite the reader's terminal. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * One JSON log line as a brief line: `12:00:01.250 WARN  tcp: peer too slow address=127.0.0.1:5`.
 * Times are UTC. Control characters are shown as `\u....`.
 */
export function textLine(jsonLine: string): string {
  const { time, level, module, msg, pid: _pid, ...fields } = JSON.parse(jsonLine);
  const clock = String(time).slice(11, 23);
  const where = module === undefined ? "" : `${module}: `;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${shown(value)}`).join("");
  const line = `${clock} ${String(level).toUpperCase().padEnd(5)} ${where}${msg}${rest}`;
  return `${line.replace(UNSAFE, escapeUnit)}\n`;
}

function shown(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
