/**
 * Request ids as they stand in the bytes. They are compared and copied as text: reading them as
 * numbers would change 2^53+1, 1.0 and -0.
 *
 * @module
 */
import { asciiAt, stringAt } from "./json_string.ts";
import { ID_BYTES_MAX } from "./limits.ts";

const QUOTE = 0x22, MINUS = 0x2d, DOT = 0x2e, ZERO = 0x30, NINE = 0x39;

/**
 * Whether the JSON value between two positions may be a request id: a string or an integer (MCP
 * forbids null). An integer may be spelled with a fraction of zeros; exponents are refused.
 */
export function isRequestId(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > ID_BYTES_MAX) return false;
  const first = bytes[start];
  if (first === QUOTE) return true;
  if (first !== MINUS && (first < ZERO || first > NINE)) return false;
  let fraction = false;
  for (let i = start + 1; i < end; i++) {
    const c = bytes[i];
    if (c === DOT) fraction = true;
    else if (c < ZERO || c > NINE || (fraction && c !== ZERO)) return false;
  }
  return true;
}

/** What {@link idKey} gives: a number for common integers, text for everything else. */
export type IdKey = number | string;

/**
 * A key under which two spellings of one id are the same: `"a"` and `"\u0061"`, `1` and `1.0`. Strings and
 * integers never share a key.
 */
export function idKey(bytes: Uint8Array, start = 0, end = bytes.length): IdKey {
  if (bytes[start] === QUOTE) return '"' + stringAt(bytes, start, end);
  const small = idNumber(bytes, start, end);
  if (small >= 0) return small;
  const text = asciiAt(bytes, start, end) ?? decoder.decode(bytes.subarray(start, end));
  const dot = text.indexOf(".");
  const digits = dot < 0 ? text : text.slice(0, dot);
  const isSmall = digits.length < 16;
  return isSmall ? Number(digits) + 0 : digits; // -0 is 0
}

/** The non-negative integer that an id spells in plain digits; -1 for anything else. */
export function idNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 15 || start === end) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return bytes[start] === ZERO && end - start > 1 ? -1 : value;
}

/** The digits of a non-negative integer. */
export function idBytes(value: number): Uint8Array {
  const text = String(value);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const decoder = new TextDecoder();
