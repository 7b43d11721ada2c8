/**
 * Finds the parts of a JSON-RPC message that a gateway must know, as positions in its bytes. The rest
 * is checked and left alone.
 *
 * Keys that the envelope is read from must be unique, whatever their spelling: a second `method`, a
 * `Method`, a `paramſ` or an escaped `m\u0065thod` could make a policy here and a lenient parser
 * upstream see different things (CVE-2026-27896).
 *
 * @module
 */
import {
  enter,
  malformed,
  scanString,
  scanValue,
  skipSpace,
  valueAfterKey,
} from "./json_scanner.ts";

/** The parts that are looked for. Values index pairs in the span table: `2 * slot` start, `2 * slot + 1` end. */
export const Slot = {
  jsonrpc: 0,
  id: 1,
  method: 2,
  params: 3,
  result: 4,
  // what follows is copied to the message only when some of it is present
  error: 5,
  name: 6,
  uri: 7,
  arguments: 8,
  meta: 9,
  /** `params._meta.progressToken` of a request. */
  metaProgressToken: 10,
  /** `params.progressToken` of `notifications/progress`. */
  progressToken: 11,
  /** `params.requestId` of `notifications/cancelled`. */
  requestId: 12,
  protocolVersion: 13,
  clientInfo: 14,
  clientCapabilities: 15,
  subscriptionId: 16,
  traceparent: 17,
  isError: 18,
  resultType: 19,
  logLevel: 20,
} as const;

/** First slot that is not part of every message. */
export const FIRST_DETAIL_SLOT = Slot.error;
/** Number of slots. */
export const SLOTS = 21;

interface Key {
  readonly bytes: Uint8Array;
  readonly slot: number;
  /** Keys looked for inside the value, when it is an object. */
  readonly inside: Level | undefined;
}

interface Level {
  readonly byLength: readonly (readonly Key[] | undefined)[];
  /** Folded spelling to key; present where keys must be unique. */
  readonly folded: ReadonlyMap<string, Key> | undefined;
}

const COMMA = 0x2c, BACKSLASH = 0x5c, OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d;

const NOTHING = new Uint8Array(0);
let text: Uint8Array = NOTHING;
let spans: number[] = [];
let offence: string | undefined;

/**
 * Scans the object at a position and fills the span table (2 * {@link SLOTS} numbers, -1 = absent).
 * The scanner must have been pointed at the same bytes.
 *
 * @returns the position after the object, and what is wrong with its keys
 * @throws {MalformedJson | TooDeep}
 */
export function scanEnvelope(
  bytes: Uint8Array,
  pos: number,
  table: number[],
): { pos: number; offence: string | undefined } {
  text = bytes;
  spans = table;
  offence = undefined;
  for (let i = 0; i < spans.length; i++) spans[i] = -1;
  const after = scanMembers(pos, 1, TOP);
  text = NOTHING;
  return { pos: after, offence };
}

function scanMembers(pos: number, depth: number, level: Level): number {
  pos = enter(pos, depth);
  if (text[pos] === CLOSE_BRACE) return pos + 1;
  for (;;) {
    const keyStart = pos + 1;
    pos = scanString(pos);
    const key = keyAt(level, keyStart, pos - 1);
    const start = valueAfterKey(pos);
    pos = key?.inside !== undefined && text[start] === OPEN_BRACE
      ? scanMembers(start, depth + 1, key.inside)
      : scanValue(start, depth);
    if (key !== undefined) note(level, key, start, pos);
    pos = skipSpace(pos);
    const c = pos < text.length ? text[pos] : -1;
    if (c === CLOSE_BRACE) return pos + 1;
    if (c !== COMMA) throw malformed(pos);
    pos = skipSpace(pos + 1);
  }
}

function note(level: Level, key: Key, start: number, end: number): void {
  const at = 2 * key.slot;
  if (spans[at] >= 0 && level.folded !== undefined) offence ??= `duplicate key ${nameOf(key)}`;
  spans[at] = start;
  spans[at + 1] = end;
}

function keyAt(level: Level, start: number, end: number): Key | undefined {
  const candidates = level.byLength[end - start];
  if (candidates !== undefined) {
    for (const key of candidates) {
      if (equals(key.bytes, start)) return key;
    }
  }
  return level.folded !== undefined && isOddlySpelled(start, end)
    ? foldedKeyAt(level.folded, start, end)
    : undefined;
}

function equals(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== text[start + i]) return false;
  }
  return true;
}

/** Whether a key could mean another than its bytes say: capitals, escapes, letters outside ASCII. */
function isOddlySpelled(start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = text[i];
    if (c >= 0x80 || c === BACKSLASH || (c >= 0x41 && c <= 0x5a)) return true;
  }
  return false;
}

/** A key that is spelled with escapes counts as itself; one that differs in case is an offence. */
function foldedKeyAt(
  folded: ReadonlyMap<string, Key>,
  start: number,
  end: number,
): Key | undefined {
  if (end - start > ODD_KEY_BYTES_MAX) return undefined;
  const spelled = decodeKey(start, end);
  const key = folded.get(fold(spelled));
  if (key === undefined) return undefined;
  if (spelled === nameOf(key)) return key;
  offence ??= `key ${JSON.stringify(spelled)} differs from ${nameOf(key)} only in case`;
  return undefined;
}

function decodeKey(start: number, end: number): string {
  return JSON.parse(`"${decoder.decode(text.subarray(start, end))}"`);
}

/** Simple case folding as lenient parsers do it: also U+017F to s and U+212A to k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function nameOf(key: Key): string {
  return decoder.decode(key.bytes);
}

/** Longest spelling that can mean a known key: every letter of the longest as `\uXXXX`. */
const ODD_KEY_BYTES_MAX = 6 * 50;
const decoder = new TextDecoder();

function level(
  keys: Readonly<Record<string, readonly [slot: number, inside?: Level]>>,
  unique: boolean,
): Level {
  const byLength: Key[][] = [];
  const folded = new Map<string, Key>();
  for (const [name, [slot, inside]] of Object.entries(keys)) {
    const key = { bytes: new TextEncoder().encode(name), slot, inside };
    (byLength[key.bytes.length] ??= []).push(key);
    folded.set(fold(name), key);
  }
  return { byLength, folded: unique ? folded : undefined };
}

const META = level({
  progressToken: [Slot.metaProgressToken],
  traceparent: [Slot.traceparent],
  "io.modelcontextprotocol/protocolVersion": [Slot.protocolVersion],
  "io.modelcontextprotocol/clientInfo": [Slot.clientInfo],
  "io.modelcontextprotocol/clientCapabilities": [Slot.clientCapabilities],
  "io.modelcontextprotocol/logLevel": [Slot.logLevel],
  "io.modelcontextprotocol/subscriptionId": [Slot.subscriptionId],
}, true);

const PARAMS = level({
  name: [Slot.name],
  uri: [Slot.uri],
  arguments: [Slot.arguments],
  _meta: [Slot.meta, META],
  progressToken: [Slot.progressToken],
  requestId: [Slot.requestId],
}, true);

const RESULT = level({
  isError: [Slot.isError],
  resultType: [Slot.resultType],
}, false);

const TOP = level({
  jsonrpc: [Slot.jsonrpc],
  id: [Slot.id],
  method: [Slot.method],
  params: [Slot.params, PARAMS],
  result: [Slot.result, RESULT],
  error: [Slot.error],
}, true);
