/**
 * Checks that bytes are one JSON text (RFC 8259) without building any value, 1 ns a byte.
 *
 * Recursive descent over module state: the scanner is synchronous and never re-entered, and locals of
 * the module are cheaper than fields of an object (measured: bench/message_bench.ts). Every function
 * takes the position of its first byte and returns the position after its last.
 *
 * @module
 */

/** The text is not JSON. */
export class MalformedJson extends Error {
  override name = "MalformedJson";
}

/** The text nests deeper than allowed. */
export class TooDeep extends Error {
  override name = "TooDeep";
}

const TAB = 0x09, LF = 0x0a, CR = 0x0d, SPACE = 0x20;
const QUOTE = 0x22, COMMA = 0x2c, MINUS = 0x2d, DOT = 0x2e, ZERO = 0x30, NINE = 0x39, COLON = 0x3a;
const OPEN_BRACKET = 0x5b, BACKSLASH = 0x5c, CLOSE_BRACKET = 0x5d, LOWER_U = 0x75;
const OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d;

const NOTHING = new Uint8Array(0);
let text: Uint8Array = NOTHING;
let end = 0;
let depthMax = 0;
let highBits = 0;
let lineBreaks = false;

/** Points the scanner at a text. Call before any other function of this module. */
export function beginScan(bytes: Uint8Array, jsonDepthMax: number): void {
  text = bytes;
  end = bytes.length;
  depthMax = jsonDepthMax;
  highBits = 0;
  lineBreaks = false;
}

/** Lets go of the text, so that it can be collected. */
export function endScan(): void {
  text = NOTHING;
}

/** Whether a string held a byte outside ASCII: then the text still has to be checked for UTF-8. */
export function sawNonAscii(): boolean {
  return (highBits & 0x80) !== 0;
}

/** Whether a line feed or carriage return stood between tokens. */
export function sawLineBreak(): boolean {
  return lineBreaks;
}

/** The error for a text that breaks off or goes wrong at a position. */
export function malformed(pos: number): MalformedJson {
  return new MalformedJson(
    pos >= end ? "text ends too early" : `unexpected byte at ${pos}`,
  );
}

/** Position of the next byte that is not white space; the end of the text when there is none. */
export function skipSpace(pos: number): number {
  while (pos < end) {
    const c = text[pos];
    if (c > SPACE) return pos;
    if (c === LF || c === CR) lineBreaks = true;
    else if (c !== SPACE && c !== TAB) return pos;
    pos++;
  }
  return pos;
}

/** Scans one value of any type. `depth` counts the containers around it. */
export function scanValue(pos: number, depth: number): number {
  const c = pos < end ? text[pos] : -1;
  switch (c) {
    case QUOTE:
      return scanString(pos);
    case OPEN_BRACE:
      return scanObject(pos, depth + 1);
    case OPEN_BRACKET:
      return scanArray(pos, depth + 1);
    case 0x74: // t
      return scanWord(pos, TRUE);
    case 0x66: // f
      return scanWord(pos, FALSE);
    case 0x6e: // n
      return scanWord(pos, NULL);
    default:
      if (c === MINUS || (c >= ZERO && c <= NINE)) return scanNumber(pos);
      throw malformed(pos);
  }
}

/** Scans an object whose keys nobody asked for. */
function scanObject(pos: number, depth: number): number {
  pos = enter(pos, depth);
  if (text[pos] === CLOSE_BRACE) return pos + 1;
  for (;;) {
    pos = scanValue(valueAfterKey(scanString(pos)), depth);
    pos = skipSpace(pos);
    const c = pos < end ? text[pos] : -1;
    if (c === CLOSE_BRACE) return pos + 1;
    if (c !== COMMA) throw malformed(pos);
    pos = skipSpace(pos + 1);
  }
}

function scanArray(pos: number, depth: number): number {
  pos = enter(pos, depth);
  if (text[pos] === CLOSE_BRACKET) return pos + 1;
  for (;;) {
    pos = skipSpace(scanValue(pos, depth));
    const c = pos < end ? text[pos] : -1;
    if (c === CLOSE_BRACKET) return pos + 1;
    if (c !== COMMA) throw malformed(pos);
    pos = skipSpace(pos + 1);
  }
}

/**
 * Finds the elements of the array at a position: start and end of each, as pairs.
 *
 * @param countMax elements after which it gives up
 * @returns the position after the array; -1 when it has more elements
 */
export function scanElements(pos: number, countMax: number, spans: number[]): number {
  pos = enter(pos, 1);
  if (text[pos] === CLOSE_BRACKET) return pos + 1;
  for (;;) {
    if (spans.length >= 2 * countMax) return -1;
    const start = pos;
    pos = scanValue(pos, 1);
    spans.push(start, pos);
    pos = skipSpace(pos);
    const c = pos < end ? text[pos] : -1;
    if (c === CLOSE_BRACKET) return pos + 1;
    if (c !== COMMA) throw malformed(pos);
    pos = skipSpace(pos + 1);
  }
}

/** Steps over an opening brace or bracket to what follows it, which exists. */
export function enter(pos: number, depth: number): number {
  if (depth > depthMax) throw new TooDeep(`nested deeper than ${depthMax}`);
  pos = skipSpace(pos + 1);
  if (pos >= end) throw malformed(pos);
  return pos;
}

/** From the end of a key over the colon to the first byte of its value. */
export function valueAfterKey(pos: number): number {
  pos = skipSpace(pos);
  if (pos >= end || text[pos] !== COLON) throw malformed(pos);
  return skipSpace(pos + 1);
}

/** Scans a string; its UTF-8 is checked for the text as a whole. */
export function scanString(pos: number): number {
  if (pos >= end || text[pos] !== QUOTE) throw malformed(pos);
  let high = 0;
  for (pos++; pos < end; pos++) {
    const c = text[pos];
    if (c === QUOTE) {
      highBits |= high;
      return pos + 1;
    }
    if (c < SPACE) throw malformed(pos);
    if (c === BACKSLASH) pos = lastOfEscape(pos);
    high |= c;
  }
  throw malformed(pos);
}

/** Position of the last byte of the escape that starts here. */
function lastOfEscape(pos: number): number {
  const c = pos + 1 < end ? text[pos + 1] : -1;
  if (c === LOWER_U) {
    for (let i = pos + 2; i < pos + 6; i++) {
      if (i >= end || HEX_DIGIT[text[i]] === 0) throw malformed(i);
    }
    return pos + 5;
  }
  if (c < 0 || SIMPLE_ESCAPE[c] === 0) throw malformed(pos + 1);
  return pos + 1;
}

function scanNumber(pos: number): number {
  if (text[pos] === MINUS) pos++;
  pos = text[pos] === ZERO && pos < end ? pos + 1 : scanDigits(pos);
  if (pos < end && text[pos] === DOT) pos = scanDigits(pos + 1);
  if (pos < end && (text[pos] | 0x20) === 0x65) { // e
    const sign = pos + 1 < end ? text[pos + 1] : -1;
    pos = scanDigits(sign === MINUS || sign === 0x2b ? pos + 2 : pos + 1);
  }
  return pos;
}

/** At least one digit. */
function scanDigits(pos: number): number {
  const first = pos;
  while (pos < end && text[pos] >= ZERO && text[pos] <= NINE) pos++;
  if (pos === first) throw malformed(pos);
  return pos;
}

function scanWord(pos: number, word: Uint8Array): number {
  for (let i = 1; i < word.length; i++) {
    if (pos + i >= end || text[pos + i] !== word[i]) throw malformed(pos + i);
  }
  return pos + word.length;
}

/**
 * Whether brackets close in a text that was given up as too deep. It decides between "not JSON" and
 * "JSON, but too deep" without a stack of its own; what lies between the brackets is not looked at.
 */
export function isBalanced(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let pos = 0; pos < bytes.length; pos++) {
    const c = bytes[pos];
    if (c === QUOTE) pos = endOfLooseString(bytes, pos);
    else if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      if (--depth < 0) return false;
    }
  }
  return depth === 0;
}

function endOfLooseString(bytes: Uint8Array, pos: number): number {
  for (pos++; pos < bytes.length && bytes[pos] !== QUOTE; pos++) {
    if (bytes[pos] === BACKSLASH) pos++;
  }
  return pos;
}

function flags(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

const HEX_DIGIT = flags("0123456789abcdefABCDEF");
const SIMPLE_ESCAPE = flags('"\\/bfnrt');
const TRUE = new TextEncoder().encode("true");
const FALSE = new TextEncoder().encode("false");
const NULL = new TextEncoder().encode("null");
