/**
 * Refusals over HTTP: as JSON-RPC errors where a request was understood, as bare status lines where not.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { failure } from "../../lib/core/compose.ts";
import { GatewayError } from "../../lib/core/errors.ts";

/**
 * After an early answer so much of the body is still taken and thrown away: clients that send all before they
 * read (Python's urllib) would see a broken pipe instead of the answer.
 */
const LINGER_BYTES_MAX = 8 * 1024 * 1024;
/** The connection stays for so long after the last of it, ms. */
const LINGER_MS = 1000;
/** And for so long in all, ms. */
const LINGER_HARD_MS = 5000;

/** Header names and values in turn, as `writeHead` takes them. */
export type FlatHeaders = string[];

/** Whether the client is still sending (or waiting to send) a body that nobody has read to its end. */
export function hasUnreadBody(req: IncomingMessage): boolean {
  if (req.complete || req.readableEnded) return false; // Deno 2.6 has no `complete`
  const length = req.headers["content-length"];
  return req.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/**
 * Answers with the error's status, headers and JSON-RPC form. A fatal error closes the connection, and
 * so does a body that was not read.
 */
export function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  error: GatewayError,
  id?: Uint8Array,
  extra: FlatHeaders = [],
): void {
  const body = failure(id, error).bytes;
  const headers = [
    ...extra,
    "content-type",
    "application/json",
    "content-length",
    String(body.length),
  ];
  for (const [name, value] of Object.entries(error.headers)) headers.push(name, value);
  answer(req, res, error.status, headers, body, error.fatal);
}

/** Answers a request whose handler threw, as far as that can still be done. */
export function refuseByFault(req: IncomingMessage, res: ServerResponse, cause: unknown): void {
  if (res.headersSent) return void res.destroy();
  const options = { cause, fatal: true };
  refuse(req, res, new GatewayError("InternalError", "Cannot answer: internal error", options));
}

/** A whole answer, before the body of the request was read if need be. */
export function answer(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  headers: FlatHeaders,
  body: Uint8Array,
  close = false,
): void {
  const unread = hasUnreadBody(req);
  if (close || unread) headers.push("connection", "close");
  res.writeHead(status, headers);
  if (!unread) return void res.end(body);
  if (body.length > 0) res.write(body);
  else res.flushHeaders();
  linger(req, res);
}

/** Answers that are whole but for their end. */
const lingering = new WeakSet<ServerResponse>();

/**
 * Ends the answer only when the client had a chance to read it: closing while it is still sending makes
 * the kernel answer with RST, which throws the answer away.
 */
function linger(req: IncomingMessage, res: ServerResponse): void {
  lingering.add(res);
  let discardedBytes = 0;
  const end = () => {
    clearTimeout(timer);
    clearTimeout(hardEnd);
    req.off("data", discard).off("end", end).off("close", end);
    res.end();
  };
  let timer = setTimeout(end, LINGER_MS);
  const hardEnd = setTimeout(end, LINGER_HARD_MS);
  const discard = (chunk: Uint8Array) => {
    clearTimeout(timer);
    timer = setTimeout(end, LINGER_MS);
    discardedBytes += chunk.length;
    if (discardedBytes > LINGER_BYTES_MAX) req.pause();
  };
  req.on("data", discard).on("end", end).on("close", end).resume();
}

/** Answers a path that nothing answers. */
export function notFound(req: IncomingMessage, res: ServerResponse): void {
  const length = String(NOT_FOUND.length);
  answer(req, res, 404, ["content-type", "application/json", "content-length", length], NOT_FOUND);
}

/** Sends a request to the same host over HTTPS; 308 keeps its method and body. */
export function redirectToHttps(req: IncomingMessage, res: ServerResponse, port: number): void {
  const host = req.headers.host!.replace(/:\d+$/, "");
  const location = `https://${host}${port === 443 ? "" : `:${port}`}${req.url}`;
  answer(req, res, 308, ["location", location, "content-length", "0"], NOTHING);
}

const NOT_FOUND = new TextEncoder().encode('{"error":"not found"}');
const NOTHING = new Uint8Array(0);
const STATUS_LINES: Readonly<Record<number, string>> = {
  400: "400 Bad Request",
  408: "408 Request Timeout",
  431: "431 Request Header Fields Too Large",
};

/** Answers bytes that were no request (`clientError`), and closes. */
export function refuseSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  const current = (socket as { _httpMessage?: ServerResponse })._httpMessage;
  if (current !== undefined && lingering.has(current)) { // the whole refusal is on its way
    current.end();
    return socket.destroySoon();
  }
  if (!socket.writable || current?.headersSent) return void socket.destroy();
  const status = STATUS_LINES[statusOf(error.code)];
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.destroySoon(); // half-open connections would stay for as long as the client likes
}

function statusOf(code: string | undefined): number {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}
