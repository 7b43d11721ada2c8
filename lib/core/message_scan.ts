/**
 * Checks the bytes of one message and finds the parts of its envelope. The outcome stands in module
 * state until the next scan: an object per message would cost a tenth of the scan.
 *
 * @module
 */
import { isUtf8 } from "node:buffer";
import { scanEnvelope, Slot, SLOTS } from "./envelope.ts";
import { offenceOf } from "./envelope_rules.ts";
import {
  beginScan,
  endScan,
  MalformedJson,
  sawLineBreak,
  sawNonAscii,
  scanValue,
  skipSpace,
} from "./json_scanner.ts";
import { isRequestId } from "./message_id.ts";

const OPEN_BRACE = 0x7b, OPEN_BRACKET = 0x5b;
const NOTHING = new Uint8Array(0);

/** What the last scan found; whoever reads it copies what is to be kept. */
export const lastScan = {
  /** The JSON text without the space around it. */
  bytes: NOTHING as Uint8Array,
  isBatch: false,
  /** What makes a well-formed text no message. */
  offence: undefined as string | undefined,
  /** Whether LF or CR stood between tokens. */
  hasLineBreaks: false,
  /** Positions of the parts in `bytes`; see `envelope.ts`. */
  spans: new Array(2 * SLOTS).fill(-1) as number[],
};

/**
 * Scans one message into {@link lastScan}.
 *
 * @throws {MalformedJson | TooDeep}
 */
export function scanMessage(bytes: Uint8Array, jsonDepthMax: number): void {
  const { spans } = lastScan;
  spans[2 * Slot.id] = -1; // of the message before
  beginScan(bytes, jsonDepthMax);
  try {
    const start = skipSpace(0);
    const isObject = bytes[start] === OPEN_BRACE;
    let end: number, offence: string | undefined;
    if (isObject) ({ pos: end, offence } = scanEnvelope(bytes, start, spans));
    else end = scanValue(start, 0);
    if (skipSpace(end) !== bytes.length) throw new MalformedJson(`unexpected byte at ${end}`);
    if (sawNonAscii() && !isUtf8(bytes)) throw new MalformedJson("text is not UTF-8");
    lastScan.isBatch = bytes[start] === OPEN_BRACKET;
    lastScan.offence = isObject ? offence ?? offenceOf(bytes, spans) : "not an object";
    lastScan.hasLineBreaks = sawLineBreak();
    lastScan.bytes = bytes;
    if (end - start !== bytes.length) trim(start, end);
  } finally {
    endScan();
  }
}

/** Leaves the space around the text out. */
function trim(start: number, end: number): void {
  const { spans } = lastScan;
  lastScan.bytes = lastScan.bytes.subarray(start, end);
  for (let i = 0; i < spans.length; i++) if (spans[i] >= 0) spans[i] -= start;
}

/** A copy of the id of a refused message, for the answer; as far as the scan came. */
export function readableId(bytes: Uint8Array): Uint8Array | undefined {
  const start = lastScan.spans[2 * Slot.id], end = lastScan.spans[2 * Slot.id + 1];
  if (start < 0 || !isRequestId(bytes, start, end)) return undefined;
  const id = bytes.slice(start, end);
  return isUtf8(id) ? id : undefined;
}
