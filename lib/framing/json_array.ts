/**
 * JSON-RPC batches: an array of messages as one JSON text. MCP 2025-03-26 has them, all other eras do
 * not; whether they are allowed is decided by whoever knows the era.
 *
 * @module
 */
import type { Batch } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import {
  beginScan,
  endScan,
  MalformedJson,
  scanElements,
  skipSpace,
  TooDeep,
} from "../core/json_scanner.ts";
import { JSON_DEPTH_MAX } from "../core/limits.ts";
import { Message } from "../core/message.ts";

/** What {@link splitBatch} refuses. */
export interface JsonArrayLimits {
  /** Elements of one array. */
  readonly elementsMax: number;
  /** Nesting within an element. */
  readonly jsonDepthMax: number;
}

const DEFAULTS: JsonArrayLimits = { elementsMax: 1000, jsonDepthMax: JSON_DEPTH_MAX };
const TAB = 0x09, LF = 0x0a, CR = 0x0d, SPACE = 0x20;
const COMMA = 0x2c, OPEN_BRACKET = 0x5b, CLOSE_BRACKET = 0x5d;

/** Whether a text begins as an array. */
export function isJsonArray(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    const isSpace = byte === SPACE || byte === LF || byte === CR || byte === TAB;
    if (!isSpace) return byte === OPEN_BRACKET;
  }
  return false;
}

/**
 * The elements of an array as messages, views of its bytes; a text that is no array is one message.
 * Never throws: an element that is no message becomes kind `invalid`, and so does, as one message,
 * an array that is empty, has too many elements, or is not JSON (JSON-RPC 2.0, section 6).
 */
export function splitBatch(bytes: Uint8Array, limits: Partial<JsonArrayLimits> = {}): Batch {
  const { elementsMax, jsonDepthMax } = { ...DEFAULTS, ...limits };
  if (!isJsonArray(bytes)) return [Message.from(bytes, jsonDepthMax)];
  const spans: number[] = [];
  const problem = findElements(bytes, elementsMax, jsonDepthMax, spans);
  if (problem !== undefined) return [Message.invalid(problem)];
  const batch: Message[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    batch.push(Message.from(bytes.subarray(spans[i], spans[i + 1]), jsonDepthMax));
  }
  return batch;
}

/** One array of all messages, on one line. Of a single message too: the peer asked for a batch. */
export function joinBatch(batch: Batch): Uint8Array {
  let byteLength = 2 + Math.max(0, batch.length - 1);
  for (const message of batch) byteLength += message.bytes.length;
  const joined = new Uint8Array(byteLength);
  let at = 0;
  for (const message of batch) {
    joined[at] = at === 0 ? OPEN_BRACKET : COMMA;
    joined.set(message.lineBytes(), at + 1);
    at += 1 + message.bytes.length;
  }
  if (at === 0) joined[at++] = OPEN_BRACKET;
  joined[at] = CLOSE_BRACKET;
  return joined;
}

function findElements(
  bytes: Uint8Array,
  elementsMax: number,
  jsonDepthMax: number,
  spans: number[],
): GatewayError | undefined {
  try {
    beginScan(bytes, jsonDepthMax + 1);
    const end = scanElements(skipSpace(0), elementsMax, spans);
    if (end < 0) return invalidRequest(`the batch has more than ${elementsMax} elements`);
    const rest = skipSpace(end);
    if (rest !== bytes.length) throw new MalformedJson(`unexpected byte at ${rest}`);
    return spans.length === 0 ? invalidRequest("the batch is empty") : undefined;
  } catch (error) {
    if (error instanceof TooDeep) return invalidRequest(`nested deeper than ${jsonDepthMax}`);
    if (!(error instanceof MalformedJson)) throw error;
    return new GatewayError("ParseError", `Cannot parse message: ${error.message}`);
  } finally {
    endScan();
  }
}

function invalidRequest(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot accept message: ${why}`);
}
