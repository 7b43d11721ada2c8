/**
 * Messages of the gateway's own making.
 *
 * @module
 */
import { allocate } from "./byte_pool.ts";
import { Slot } from "./envelope.ts";
import type { GatewayError } from "./errors.ts";
import { Message } from "./message.ts";

const encoder = new TextEncoder();

/** A request. */
export function request(id: number | string, method: string, params?: unknown): Message {
  return compose({ jsonrpc: "2.0", id, method, params });
}

/** A notification. */
export function notification(method: string, params?: unknown): Message {
  return compose({ jsonrpc: "2.0", method, params });
}

/** The answer to a request, under the raw id it came with. */
export function result(id: Uint8Array, value: unknown): Message {
  return rawResult(id, encoder.encode(JSON.stringify(value)));
}

/** The answer to a request whose result is JSON text already. The text is trusted, except for line breaks. */
export function rawResult(id: Uint8Array, text: Uint8Array): Message {
  return answer(id, RESULT, text, breaksLine(text));
}

/**
 * The answer to a request whose result repeats a part of the request: that part of its bytes, which holds no
 * line break, between a head and a tail. Copies the bytes once and makes no view of anything.
 *
 * @param head what stands before it, `,"result":` included
 */
export function echoedResult(
  request: Message,
  head: Uint8Array,
  start: number,
  end: number,
  tail: Uint8Array,
): Message {
  const idEnd = HEAD.length + request.idLength;
  const bytes = allocate(idEnd + head.length + (end - start) + tail.length);
  bytes.set(HEAD);
  request.copyId(bytes, HEAD.length);
  bytes.set(head, idEnd);
  const from = request.bytes;
  let at = idEnd + head.length;
  if (end - start > SHORT_BYTES_MAX) {
    bytes.set(from.subarray(start, end), at);
    at += end - start;
  } else for (let i = start; i < end; i++) bytes[at++] = from[i];
  bytes.set(tail, at);
  return new Message("response", bytes, undefined, undefined, false, HEAD.length, idEnd, undefined);
}

function breaksLine(text: Uint8Array): boolean {
  return text.includes(LF) || text.includes(CR);
}

/** The error answer to a request, under the raw id it came with; id null when that could not be read. */
export function failure(id: Uint8Array | undefined, error: GatewayError): Message {
  const { code, message, data } = error;
  const text = encoder.encode(JSON.stringify({ code, message, data }));
  return answer(id, ERROR, text, false);
}

function answer(
  id: Uint8Array | undefined,
  key: Uint8Array,
  text: Uint8Array,
  hasLineBreaks: boolean,
): Message {
  const raw = id ?? NULL;
  const idEnd = HEAD.length + raw.length;
  const start = idEnd + key.length, end = start + text.length;
  const bytes = allocate(end + CLOSE.length);
  bytes.set(HEAD);
  bytes.set(raw, HEAD.length);
  bytes.set(key, idEnd);
  bytes.set(text, start);
  bytes.set(CLOSE, end);
  const hasId = id !== undefined;
  return new Message(
    "response",
    bytes,
    undefined,
    undefined,
    hasLineBreaks,
    hasId ? HEAD.length : -1,
    hasId ? idEnd : -1,
    key === ERROR ? [Slot.error, start, end] : undefined,
  );
}

function compose(value: unknown): Message {
  const message = Message.from(encoder.encode(JSON.stringify(value)));
  if (message.problem !== undefined) throw message.problem;
  return message;
}

const LF = 0x0a, CR = 0x0d;
/** Up to here a loop costs less than a view. */
const SHORT_BYTES_MAX = 128;
const HEAD = encoder.encode('{"jsonrpc":"2.0","id":');
const RESULT = encoder.encode(',"result":');
const ERROR = encoder.encode(',"error":');
const CLOSE = encoder.encode("}");
const NULL = encoder.encode("null");
