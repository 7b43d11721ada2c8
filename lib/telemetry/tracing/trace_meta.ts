/**
 * Puts a trace context into `params._meta` of a message. Everything else keeps its bytes.
 *
 * Source: MCP specification, basic, `_meta`, OpenTelemetry trace context (SEP-414).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { allocate } from "../../core/byte_pool.ts";
import { FIRST_DETAIL_SLOT, Slot, SLOTS } from "../../core/envelope.ts";
import { Message } from "../../core/message.ts";
import type { MessageContext } from "../../core/message_context.ts";
import { RawObject } from "../../core/raw_object.ts";
import { type TraceContext, traceparentOf } from "../../core/trace_context.ts";

const OPEN_BRACE = 0x7b, CLOSE_BRACE = 0x7d, BACKSLASH = 0x5c;
const SPACE = 0x20;
const KEY = '"traceparent":"';
/** Quote, version and dash before the trace id in a value. */
const TRACE_ID_AT = 4;
/** A value with its quotes. */
const VALUE_BYTES = 57;
const encoder = new TextEncoder();
/** Parameters whose place is known: `_meta` can stand behind them. */
const NEIGHBOURS = [Slot.name, Slot.uri, Slot.arguments, Slot.progressToken, Slot.requestId];

/** The same message in a trace that its bytes say nothing of. */
export function inTrace(message: Message, trace: TraceContext): Message {
  return message.withContext(withTrace(message, trace));
}

function withTrace({ context }: Message, trace: TraceContext): MessageContext {
  return context === undefined ? { trace } : { ...context, trace };
}

/**
 * The same message in a trace, which its `params._meta` tells: a `traceparent` that is there is replaced. The bytes of
 * messages whose `_meta` is no object stay as they are.
 */
export function withTraceMeta(message: Message, context: TraceContext): Message {
  const there = message.startOf(Slot.traceparent);
  if (there >= 0) {
    if (!isOfTrace(message, there, context.traceId)) return rebuilt(message, context);
    const end = message.endOf(Slot.traceparent);
    return replaced(message, context, there, end, { text: `"${traceparentOf(context)}"` });
  }
  const meta = message.startOf(Slot.meta);
  if (meta >= 0) return withinMeta(message, meta, context);
  for (const slot of NEIGHBOURS) {
    const end = message.endOf(slot);
    if (end >= 0) return replaced(message, context, end, end, wholeMeta(',"_meta":', context, ""));
  }
  if (mayHaveParams(message.bytes)) return rebuilt(message, context);
  const end = message.bytes.length - 1;
  return replaced(message, context, end, end, wholeMeta(',"params":{"_meta":', context, "}"));
}

/** Text for a message, and where in it a `_meta` stands, if a whole one does. */
interface Addition {
  readonly text: string;
  readonly metaStart?: number;
  readonly metaEnd?: number;
}

function wholeMeta(before: string, context: TraceContext, after: string): Addition {
  const meta = `{${membersOf(context)}}`;
  const text = before + meta + after;
  return { text, metaStart: before.length, metaEnd: before.length + meta.length };
}

/** `"traceparent":"..."` with what travels beside it. */
function membersOf(context: TraceContext): string {
  const { tracestate, baggage } = context;
  const state = tracestate === undefined ? "" : `,"tracestate":${JSON.stringify(tracestate)}`;
  const bag = baggage === undefined ? "" : `,"baggage":${JSON.stringify(baggage)}`;
  return `${KEY}${traceparentOf(context)}"${state}${bag}`;
}

function withinMeta(message: Message, start: number, context: TraceContext): Message {
  const { bytes } = message;
  if (bytes[start] !== OPEN_BRACE) return inTrace(message, context);
  const { tracestate, baggage } = context;
  if (tracestate !== undefined || baggage !== undefined) return rebuilt(message, context);
  let first = start + 1;
  while (bytes[first] <= SPACE) first++;
  const comma = bytes[first] === CLOSE_BRACE ? "" : ",";
  return replaced(message, context, start + 1, start + 1, { text: membersOf(context) + comma });
}

/** Whether the value that is there, whatever it is, names a span of the same trace. */
function isOfTrace(message: Message, start: number, traceId: string): boolean {
  if (message.endOf(Slot.traceparent) - start <= TRACE_ID_AT + traceId.length) return false;
  for (let i = 0; i < traceId.length; i++) {
    if (message.bytes[start + TRACE_ID_AT + i] !== traceId.charCodeAt(i)) return false;
  }
  return true;
}

/** False only where there are certainly none. */
function mayHaveParams({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  const text = Buffer.from(buffer, byteOffset, byteLength);
  return text.includes('"params"') || text.includes(BACKSLASH);
}

/** The long way, for what is rare: another trace, or fields beside it that may be there twice. */
function rebuilt(message: Message, context: TraceContext): Message {
  const whole = new RawObject(message.bytes);
  const members = whole.object("params");
  const meta = members.get("_meta");
  if (meta !== undefined && meta[0] !== OPEN_BRACE) return inTrace(message, context);
  const { tracestate, baggage } = context;
  const fields = new RawObject(meta).put("traceparent", traceparentOf(context));
  fields.delete("tracestate"); // it belongs to the traceparent that was there
  if (tracestate !== undefined) fields.put("tracestate", tracestate);
  if (baggage !== undefined) fields.put("baggage", baggage);
  const changed = Message.from(
    whole.set("params", members.set("_meta", fields.bytes()).bytes()).bytes(),
  );
  return changed.withContext(withTrace(message, context));
}

/** The message with ASCII text in the place of a range, its parts moved. */
function replaced(
  message: Message,
  trace: TraceContext,
  start: number,
  end: number,
  addition: Addition,
): Message {
  const { text } = addition;
  const from = message.bytes;
  const shift = text.length - (end - start);
  const bytes = allocate(from.length + shift);
  bytes.set(from.subarray(0, start));
  encoder.encodeInto(text, bytes.subarray(start));
  bytes.set(from.subarray(end), start + text.length);
  const parts = movedParts(message, start, end, shift);
  if (end === start) addParts(parts, start, addition);
  const { id, kind, method, hasLineBreaks } = message;
  let idStart = id === undefined ? -1 : id.byteOffset - from.byteOffset;
  if (idStart >= end) idStart += shift;
  const idEnd = id === undefined ? -1 : idStart + id.length;
  return new Message(
    kind,
    bytes,
    method,
    undefined,
    hasLineBreaks,
    idStart,
    idEnd,
    parts,
    withTrace(message, trace),
  );
}

/** What ends where the range begins stays; what ends in or behind it moves. */
function movedParts(message: Message, start: number, end: number, shift: number): number[] {
  const parts: number[] = [];
  for (let slot: number = FIRST_DETAIL_SLOT; slot < SLOTS; slot++) {
    const from = message.startOf(slot);
    if (from < 0) continue;
    const to = message.endOf(slot);
    parts.push(slot, from >= end ? from + shift : from, to > start ? to + shift : to);
  }
  return parts;
}

/** The parts that the text has brought. */
function addParts(parts: number[], start: number, { text, metaStart, metaEnd }: Addition): void {
  const value = start + text.indexOf(KEY) + KEY.length - 1;
  parts.push(Slot.traceparent, value, value + VALUE_BYTES);
  if (metaStart !== undefined) parts.push(Slot.meta, start + metaStart, start + metaEnd!);
}
