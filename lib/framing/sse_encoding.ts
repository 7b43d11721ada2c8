/**
 * `text/event-stream`, the sending half: WHATWG HTML, section 9.2 (server-sent events).
 *
 * What is the same for every stream (name and data) is apart from the id line, which is not: a message for
 * a thousand streams is encoded once.
 *
 * @module
 */
import { allocate } from "../core/byte_pool.ts";
import type { Batch } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";

const LF = 0x0a, SPACE = 0x20, DELETE = 0x7f;

/**
 * One event that carries a message, ready for one write. Line breaks between the tokens of the message
 * become spaces, so that nothing in it can end the data field.
 *
 * @param id event id: visible ASCII
 * @throws {GatewayError} InternalError when the id could break the framing
 */
export function encodeEvent(message: Message, id?: string): Uint8Array {
  return encodeData(message.lineBytes(), id);
}

/**
 * The events of a batch in one array.
 *
 * @param ids one for each message: visible ASCII
 */
export function encodeEvents(batch: Batch, ids?: readonly string[]): Uint8Array {
  if (batch.length === 1) return encodeEvent(batch[0], ids?.[0]);
  const events = batch.map((message, i) => encodeEvent(message, ids?.[i]));
  const whole = new Uint8Array(events.reduce((sum, event) => sum + event.length, 0));
  let at = 0;
  for (const event of events) {
    whole.set(event, at);
    at += event.length;
  }
  return whole;
}

/**
 * The part of a message's event that is the same on every stream; to stand behind an id line or alone. Kept
 * for as long as the message lives: a notification to many clients is one message.
 */
export function eventBody(message: Message): Uint8Array {
  let body = bodies.get(message);
  if (body === undefined) bodies.set(message, body = encodeEvent(message));
  return body;
}

/**
 * The line that gives the event behind it an id.
 *
 * @param id visible ASCII
 * @throws {GatewayError} InternalError when the id could break the framing
 */
export function encodeIdLine(id: string): Uint8Array {
  const bytes = allocate(ID_FIELD.length + id.length + 1);
  writeIdLine(bytes, id);
  return bytes;
}

/**
 * An event with an id and no data: gives the client something to resume after (MCP 2025-11-25, transports).
 *
 * @param retryMs how long the client is to wait before it does
 */
export function encodePriming(id: string, retryMs: number): Uint8Array {
  const retry = encoder.encode(retryLine(retryMs));
  const event = encodeData(NOTHING, id);
  const bytes = new Uint8Array(retry.length + event.length);
  bytes.set(retry);
  bytes.set(event, retry.length);
  return bytes;
}

/** A `retry` field: how long the client is to wait before it reconnects, ms. */
export function encodeRetry(retryMs: number): Uint8Array {
  return encoder.encode(`${retryLine(retryMs)}\n`);
}

/**
 * The `endpoint` event: where the client is to send its messages (MCP 2024-11-05, transports).
 *
 * @param uri URI reference without line breaks
 * @param id event id: visible ASCII
 */
export function encodeEndpoint(uri: string, id: string): Uint8Array {
  return encoder.encode(`id: ${id}\nevent: endpoint\ndata: ${uri}\n\n`);
}

/** A comment: keeps proxies from closing an idle stream. */
export const HEARTBEAT = new TextEncoder().encode(":\n\n");

function retryLine(retryMs: number): string {
  return `retry: ${Math.max(0, Math.round(retryMs))}\n`;
}

function encodeData(line: Uint8Array, id: string | undefined): Uint8Array {
  const idBytes = id === undefined ? 0 : ID_FIELD.length + id.length + 1;
  const bytes = allocate(PREFIX.length + idBytes + line.length + 2);
  let at = id === undefined ? 0 : writeIdLine(bytes, id);
  bytes.set(PREFIX, at);
  at += PREFIX.length;
  bytes.set(line, at);
  at += line.length;
  bytes[at] = bytes[at + 1] = LF;
  return bytes;
}

/** Returns where the line ends. */
function writeIdLine(bytes: Uint8Array, id: string): number {
  bytes.set(ID_FIELD);
  let at = ID_FIELD.length;
  for (let i = 0; i < id.length; i++) bytes[at++] = idByte(id, i);
  bytes[at++] = LF;
  return at;
}

function idByte(id: string, index: number): number {
  const code = id.charCodeAt(index);
  if (code > SPACE && code < DELETE) return code;
  throw new GatewayError("InternalError", "Cannot write event: its id is not visible ASCII");
}

const bodies = new WeakMap<Message, Uint8Array>();
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const ID_FIELD = encoder.encode("id: ");
/** The reference SDKs name the default type; clients with a parser of their own may want to see it. */
const PREFIX = encoder.encode("event: message\ndata: ");
