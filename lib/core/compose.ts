/**
 * Messages of the gateway's own making.
 *
 * @module
 */
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
  return compose({ jsonrpc: "2.0", id: 0, result: value }).withId(id);
}

/** The error answer to a request, under the raw id it came with; id null when that could not be read. */
export function failure(id: Uint8Array | undefined, error: GatewayError): Message {
  const { code, message, data } = error;
  const answer = compose({ jsonrpc: "2.0", id: 0, error: { code, message, data } });
  return answer.withId(id ?? NULL);
}

function compose(value: unknown): Message {
  const message = Message.from(encoder.encode(JSON.stringify(value)));
  if (message.problem !== undefined) throw message.problem;
  return message;
}

const NULL = encoder.encode("null");
