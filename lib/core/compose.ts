/**
 * Messages of the gateway's own making.
 *
 * @module
 */
import { allocate } from "./byte_pool.ts";
import { Slot, SLOTS } from "./envelope.ts";
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
export function rawResult(id: Uint8Array, ...text: readonly Uint8Array[]): Message {
  return answer(id, [RESULT, ...text, CLOSE], text.some(breaksLine));
}

function breaksLine(text: Uint8Array): boolean {
  return text.includes(LF) || text.includes(CR);
}

/** The error answer to a request, under the raw id it came with; id null when that could not be read. */
export function failure(id: Uint8Array | undefined, error: GatewayError): Message {
  const { code, message, data } = error;
  return answer(id ?? NULL, [
    ERROR,
    encoder.encode(JSON.stringify({ code, message, data })),
    CLOSE,
  ]);
}

function answer(
  id: Uint8Array,
  rest: readonly Uint8Array[],
  hasLineBreaks = false,
): Message {
  let length = HEAD.length + id.length;
  for (const part of rest) length += part.length;
  const bytes = allocate(length);
  bytes.set(HEAD);
  bytes.set(id, HEAD.length);
  let at = HEAD.length + id.length;
  for (const part of rest) {
    bytes.set(part, at);
    at += part.length;
  }
  const spans = NO_SPANS.slice();
  if (id !== NULL) {
    spans[2 * Slot.id] = HEAD.length;
    spans[2 * Slot.id + 1] = HEAD.length + id.length;
  }
  if (rest[0] === ERROR) {
    spans[2 * Slot.error] = HEAD.length + id.length + ERROR.length;
    spans[2 * Slot.error + 1] = length - CLOSE.length;
  }
  return Message.located("response", bytes, undefined, hasLineBreaks, spans);
}

function compose(value: unknown): Message {
  const message = Message.from(encoder.encode(JSON.stringify(value)));
  if (message.problem !== undefined) throw message.problem;
  return message;
}

const LF = 0x0a, CR = 0x0d;
const HEAD = encoder.encode('{"jsonrpc":"2.0","id":');
const RESULT = encoder.encode(',"result":');
const ERROR = encoder.encode(',"error":');
const CLOSE = encoder.encode("}");
const NULL = encoder.encode("null");
const NO_SPANS: readonly number[] = new Array(2 * SLOTS).fill(-1);
