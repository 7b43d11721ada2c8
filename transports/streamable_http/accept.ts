/**
 * Content negotiation of the MCP endpoint: what the client takes, what it sends, which version it speaks.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { isModernVersion } from "../../lib/core/eras.ts";
import { GatewayError } from "../../lib/core/errors.ts";

/** Forms of an answer that a client takes. */
export interface Accepted {
  readonly json: boolean;
  readonly events: boolean;
}

/** Clients send one of few texts: the reading of each is remembered, up to so many. */
const REMEMBERED_MAX = 64;
const remembered = new Map<string, Accepted>();
const ANYTHING: Accepted = { json: true, events: true };

/** What an `Accept` header allows; without one everything (RFC 9110, 12.5.1). */
export function acceptedForms(header: string | undefined): Accepted {
  if (header === undefined) return ANYTHING;
  const known = remembered.get(header);
  if (known !== undefined) return known;
  const accepted = readAccept(header);
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(header, accepted);
  return accepted;
}

function readAccept(header: string): Accepted {
  let json = false, events = false;
  for (const range of header.toLowerCase().split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) continue;
    json ||= type === "application/json" || type === "application/*" || type === "*/*";
    events ||= type === "text/event-stream" || type === "text/*" || type === "*/*";
  }
  return { json, events };
}

/** Why the head of a request to the MCP endpoint must be refused; `undefined` when it is fine. */
export function negotiationProblem(
  req: IncomingMessage,
  accepted: Accepted,
): GatewayError | undefined {
  if (req.method === "GET" && !accepted.events) return notAcceptable("text/event-stream");
  if (req.method === "POST" && !accepted.json && !accepted.events) {
    return notAcceptable("application/json and text/event-stream");
  }
  if (req.method === "POST") return undefined; // its body says what it speaks, too
  const version = req.headers["mcp-protocol-version"];
  return isModernVersion(String(version)) ? METHOD_NOT_ALLOWED : undefined;
}

/** The sessionless era has only POST. */
const METHOD_NOT_ALLOWED = new GatewayError("InvalidRequest", "Cannot answer: method not allowed", {
  status: 405,
  headers: { allow: "POST" },
});

/** Why the body of a POST cannot be read, by its headers alone; `undefined` when it can. */
export function bodyProblem(req: IncomingMessage, bodyBytesMax: number): GatewayError | undefined {
  const { headers } = req;
  const type = headers["content-type"];
  if (type !== "application/json" && !isJson(type)) {
    return unsupportedMedia("the content type is not application/json");
  }
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return unsupportedMedia("content encodings are not supported");
  }
  const length = headers["content-length"];
  return length !== undefined && Number(length) > bodyBytesMax ? tooLarge(bodyBytesMax) : undefined;
}

/** The error for a body over the limit; the connection closes, for what follows would have to be read. */
export function tooLarge(bodyBytesMax: number): GatewayError {
  return new GatewayError(
    "PayloadTooLarge",
    `Cannot accept message: larger than ${bodyBytesMax} bytes`,
    { fatal: true },
  );
}

function isJson(type: string | undefined): boolean {
  if (type === undefined) return false;
  const end = type.indexOf(";");
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase() === "application/json";
}

function unsupportedMedia(why: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot accept message: ${why}`, { status: 415 });
}

function notAcceptable(what: string): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot answer: the client must accept ${what}`, {
    status: 406,
  });
}
