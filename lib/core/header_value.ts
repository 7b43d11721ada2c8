/**
 * Values of the protocol's HTTP headers (`Mcp-Name`, `Mcp-Param-*`): plain where that is safe, else
 * base64 between markers.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28, value encoding.
 *
 * @module
 */

const PREFIX = "=?base64?", SUFFIX = "?=";
/** Visible ASCII, spaces and tabs inside only. */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;

/** A text as a header value. */
export function toHeaderValue(text: string): string {
  if (PLAIN.test(text) && !isMarked(text)) return text;
  return PREFIX + new TextEncoder().encode(text).toBase64() + SUFFIX;
}

/** The text that a header value stands for; `undefined` when it is none. */
export function fromHeaderValue(value: string): string | undefined {
  if (!isMarked(value)) return value;
  try {
    const base64 = value.slice(PREFIX.length, -SUFFIX.length);
    if (/\s/.test(base64)) return undefined; // which the decoder would skip
    const bytes = Uint8Array.fromBase64(base64, { lastChunkHandling: "strict" });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // what is neither base64 nor UTF-8 stands for nothing
  }
}

function isMarked(value: string): boolean {
  return value.length >= PREFIX.length + SUFFIX.length && value.startsWith(PREFIX) &&
    value.endsWith(SUFFIX);
}
