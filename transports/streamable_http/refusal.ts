/**
 * What a server means by a status other than 200.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import {
  discard,
  mediaType,
  offProtocol,
  type Outcome,
  readWhole,
  unavailable,
} from "../http/answer.ts";
import type { Flight } from "../http/flight.ts";

/** Most of an error's body that is read. */
const ERROR_BYTES_MAX = 64 * 1024;

/** The server's own JSON-RPC error under the id of the request where it sent one, else an error of ours. */
export async function refusalOf(
  answer: IncomingMessage,
  flight: Flight,
  id: Uint8Array,
  idleMs: number,
): Promise<Message | GatewayError> {
  const status = answer.statusCode!;
  const isJson = mediaType(answer) === "application/json";
  if (status < 400 || !isJson || answer.headers["content-encoding"] !== undefined) {
    discard(answer);
    return statusError(status);
  }
  const message = Message.from(await readWhole(answer, flight, idleMs, ERROR_BYTES_MAX));
  if (message.kind !== "response" || !message.isError) return statusError(status);
  return message.id === undefined ? underId(message, id) : message.withId(id);
}

function statusError(status: number): GatewayError {
  if (status === 404) return unavailable("it answered 404, there is no MCP endpoint", "unknown");
  if (status === 401) return unavailable("it answered 401, authorization is required", "unknown");
  if (status === 403) return unavailable("it answered 403, access is forbidden", "unknown");
  if (status >= 500 || status === 408 || status === 429) {
    return unavailable(`it answered ${status}`, "unknown");
  }
  if (status >= 300 && status < 400) {
    return offProtocol(`status ${status} is a redirect, and those are not followed`);
  }
  return offProtocol(`status ${status} is no answer to a request`);
}

/** The server does not know the session any more: its answer to any request that names it is 404. */
export class SessionGone extends Error {
  override name = "SessionGone";
  /** The error for the request that found out. */
  readonly failure: GatewayError;
  constructor(outcome: Outcome) {
    super("the server does not know the session any more");
    this.failure = unavailable(this.message, outcome);
  }
}

/** An error response without id, as the answer to a request. */
export function underId(response: Message, id: Uint8Array): Message {
  const error = JSON.stringify(response.json().error);
  const bytes = encoder.encode(`{"jsonrpc":"2.0","id":0,"error":${error}}`);
  return Message.from(bytes).withId(id);
}

const encoder = new TextEncoder();
