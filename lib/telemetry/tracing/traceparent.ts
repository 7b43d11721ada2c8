/**
 * Reads trace contexts that others have sent. What is malformed counts as not sent.
 *
 * Source: W3C Trace Context, 3.2 (traceparent) and 3.3 (tracestate); W3C Baggage, 3.3.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { RequestInfo } from "../../core/connection.ts";
import { Slot } from "../../core/envelope.ts";
import type { Message } from "../../core/message.ts";
import { RawObject } from "../../core/raw_object.ts";
import type { TraceContext } from "../../core/trace_context.ts";

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
/** Characters of the value of version 00; later versions may have more. */
const VALUE_CHARS = 55;
/** Longer values of later versions are not looked at. */
const VALUE_CHARS_MAX = 256;
const TRACESTATE_CHARS_MAX = 512;
const BAGGAGE_CHARS_MAX = 8192;
const PRINTABLE = /^[\x20-\x7e]+$/;
const QUOTE = 0x22, OPEN_BRACE = 0x7b;

/** The context that a `traceparent` names; `undefined` when it is malformed. */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (text.length < VALUE_CHARS || text.length > VALUE_CHARS_MAX) return undefined;
  const match = TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags: parseInt(flags, 16) & 3 };
}

/** The context in `params._meta` of a message, without what stands beside `traceparent`. */
export function traceOfMeta(message: Message): TraceContext | undefined {
  const start = message.startOf(Slot.traceparent);
  if (start < 0) return undefined;
  const { bytes } = message;
  const length = message.endOf(Slot.traceparent) - start - 2;
  if (bytes[start] !== QUOTE || length < VALUE_CHARS || length > VALUE_CHARS_MAX) return undefined;
  const { buffer, byteOffset } = bytes;
  return parseTraceparent(Buffer.from(buffer, byteOffset + start + 1, length).toString("latin1"));
}

/** The context in the headers of an HTTP request. */
export function traceOfHeaders(request: RequestInfo): TraceContext | undefined {
  const header = request.header("traceparent");
  const context = header === undefined ? undefined : parseTraceparent(header.trim());
  if (context === undefined) return undefined;
  return { ...context, ...companions((name) => request.header(name)) };
}

/** What stands beside `traceparent` in `params._meta` of a message. */
export function companionsOfMeta(message: Message): Companions {
  const start = message.startOf(Slot.meta);
  if (start < 0 || message.bytes[start] !== OPEN_BRACE) return {};
  const meta = new RawObject(message.bytes.subarray(start, message.endOf(Slot.meta)));
  return companions((name) => {
    const value = meta.value(name);
    return typeof value === "string" ? value : undefined;
  });
}

type Companions = Pick<TraceContext, "tracestate" | "baggage">;

function companions(valueOf: (name: string) => string | undefined): Companions {
  const tracestate = printable(valueOf("tracestate"), TRACESTATE_CHARS_MAX);
  const baggage = printable(valueOf("baggage"), BAGGAGE_CHARS_MAX);
  return {
    ...tracestate !== undefined && { tracestate },
    ...baggage !== undefined && { baggage },
  };
}

function printable(text: string | undefined, charsMax: number): string | undefined {
  return text !== undefined && text.length <= charsMax && PRINTABLE.test(text) ? text : undefined;
}
