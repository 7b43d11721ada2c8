/**
 * Dials WebSocket servers.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type {
  AuthorizationRefusal,
  Authorizer,
  Connection,
  Endpoint,
  ProofHeaders,
} from "../../lib/core/connection.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { isTlsParameter } from "../../lib/core/url_parameters.ts";
import { DIAL_MS } from "../../lib/core/limits.ts";
import { ATTEMPTS_MAX, refusalIn } from "../http/proved.ts";
import { CloseCode } from "./close_codes.ts";
import { WebSocketConnection } from "./connection.ts";
import { openSocket } from "./dialled_socket.ts";
import { hopFormat, JSON_TEXT } from "./format.ts";
import { HalfClosingWebSocket } from "./half_closing.ts";
import { HOP_PROTOCOL, MCP_PROTOCOL } from "./handshake.ts";
import { Heartbeats } from "./heartbeats.ts";
import {
  DEFAULT_LIMITS,
  heartbeatIntervalMs,
  libraryOptions,
  type WebSocketLimits,
} from "./options.ts";

/** Limits of a connection that is dialled. */
export interface WebSocketClientOptions extends Partial<WebSocketLimits> {
  /** Until the connection is open, ms. */
  readonly dialTimeoutMs?: number;
}

const PROTOCOL_HEADER = "sec-websocket-protocol";

/**
 * Connects to a `ws:` or `wss:` URL. With `?hop=sluice` the framing between two gateways is offered first.
 *
 * @throws {TransportError} no connection before the signal aborts, a certificate that is not trusted, or an
 * answer that is no WebSocket
 * @throws {GatewayError} the server wants to know who asks, and there is nothing to prove that with
 */
export async function dialWebSocket(
  endpoint: Endpoint,
  signal: AbortSignal,
  options: WebSocketClientOptions = {},
): Promise<Connection> {
  const { authorizer } = endpoint;
  if (authorizer === undefined) return await dialOnce(endpoint, signal, options);
  let proof = await authorizer.proof();
  for (let attempt = 1;; attempt++) {
    const headers = { ...endpoint.headers, ...proof };
    try {
      return await dialOnce({ ...endpoint, headers }, signal, options);
    } catch (error) {
      const refused = error instanceof TransportError ? error.cause : undefined;
      const refusal = refused instanceof Unwelcome && refusalIn(refused.answer, proof, attempt);
      if (!refusal || attempt === ATTEMPTS_MAX) throw error;
      proof = await renewed(authorizer, refusal, signal);
    }
  }
}

async function renewed(
  authorizer: Authorizer,
  refusal: AuthorizationRefusal,
  signal: AbortSignal,
): Promise<ProofHeaders> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new TransportError(`Cannot connect: ${reasonOf(signal.reason)}`));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([authorizer.renewed(refusal), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The server answered with something else than a WebSocket. */
class Unwelcome extends Error {
  override name = "Unwelcome";
  readonly answer: IncomingMessage;
  constructor(answer: IncomingMessage) {
    super(`it answered ${answer.statusCode}`);
    this.answer = answer;
  }
}

async function dialOnce(
  endpoint: Endpoint,
  signal: AbortSignal,
  options: WebSocketClientOptions,
): Promise<Connection> {
  const { url } = endpoint;
  const deadline = new AbortController();
  const abort = () => deadline.abort(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  const dialTimeoutMs = options.dialTimeoutMs ?? DIAL_MS;
  const timer = setTimeout(
    () => deadline.abort(new Error(`it took longer than ${dialTimeoutMs} ms`)),
    dialTimeoutMs,
  );
  try {
    const socket = await openSocket(url, deadline.signal);
    return await handshake(endpoint, socket, deadline.signal, { ...DEFAULT_LIMITS, ...options });
  } catch (error) {
    if (error instanceof TransportError) throw error;
    throw new TransportError(`Cannot connect to ${plainUrl(url)}: ${reasonOf(error)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function handshake(
  { url, headers }: Endpoint,
  socket: Socket,
  signal: AbortSignal,
  limits: WebSocketLimits,
): Promise<Connection> {
  const offered = isHop(url) ? [HOP_PROTOCOL, MCP_PROTOCOL] : [MCP_PROTOCOL];
  let protocol: string | undefined;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      ws.terminate();
      socket.destroy();
    };
    const onAbort = () => fail(signal.reason);
    if (signal.aborted) {
      socket.destroy();
      return reject(signal.reason);
    }
    signal.addEventListener("abort", onAbort, { once: true });
    // The library would refuse a server that agrees on none of the subprotocols: they are offered behind its back.
    const ws = new HalfClosingWebSocket(serverUrl(url), [], {
      ...libraryOptions(limits, "client"),
      headers: { ...headers, [PROTOCOL_HEADER]: offered.join(", ") },
      createConnection: () => socket,
      followRedirects: false,
    });
    ws.on("error", fail);
    ws.once("unexpected-response", (_, res) => fail(new Unwelcome(res)));
    ws.once("upgrade", (res) => {
      protocol = takeProtocol(res);
      if (protocol !== undefined && !offered.includes(protocol)) {
        fail(new Error("it wants a subprotocol that was not offered"));
      }
    });
    ws.once("open", () => {
      signal.removeEventListener("abort", onAbort);
      ws.off("error", fail);
      resolve(connectionOver(ws, socket, { url, protocol }, limits));
    });
  });
}

function connectionOver(
  ws: HalfClosingWebSocket,
  socket: Socket,
  { url, protocol }: { url: URL; protocol: string | undefined },
  limits: WebSocketLimits,
): Connection {
  return new WebSocketConnection({
    role: "client",
    ws,
    socket,
    peer: { transport: "websocket", address: url.host },
    format: protocol === HOP_PROTOCOL ? hopFormat(limits) : JSON_TEXT,
    limits,
    heartbeats: new Heartbeats(heartbeatIntervalMs(limits)),
    closeCode: () => CloseCode.normal,
  });
}

/** What the server agreed on, hidden from the library, which does not know of the offer. */
function takeProtocol(res: IncomingMessage): string | undefined {
  const agreed = res.headers[PROTOCOL_HEADER] as string | undefined;
  delete res.headers[PROTOCOL_HEADER];
  return agreed;
}

function isHop(url: URL): boolean {
  return url.searchParams.get("hop") === "sluice";
}

/** The address without our parameters; the others are left as they are written. */
function serverUrl(url: URL): URL {
  const isTheirs = (pair: string) => {
    const name = pair.split("=", 1)[0];
    return name !== "hop" && !isTlsParameter(url, name);
  };
  const query = url.search.slice(1).split("&").filter(isTheirs).join("&");
  const theirs = new URL(url);
  theirs.search = query;
  theirs.hash = "";
  return theirs;
}

function plainUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
