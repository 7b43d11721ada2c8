/**
 * The opening handshake as a server (RFC 6455, 4.2): what is checked beyond the head of every request,
 * before anything is agreed to.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../lib/core/errors.ts";
import { WINDOW_BITS } from "./options.ts";

/** Subprotocol of MCP: a JSON text is a message. */
export const MCP_PROTOCOL = "mcp";
/** Subprotocol between two gateways. */
export const HOP_PROTOCOL = "sluice.v1";

const VERSION = "13";
/** 16 bytes as base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** What stands in a URL ends up in logs. */
const SECRETS: readonly string[] = ["token", "access_token", "api_key", "authorization"];

/** Why a connection cannot be upgraded; `undefined` when it can. */
export function handshakeProblem(req: IncomingMessage): GatewayError | undefined {
  if (req.method !== "GET") return refusal("the method is not GET", 405, { allow: "GET" });
  if (req.httpVersionMinor === 0) return refusal("HTTP/1.0 has no upgrade", 400);
  const { headers } = req;
  const length = headers["content-length"] ?? "0";
  if (length !== "0" || headers["transfer-encoding"] !== undefined) {
    return refusal("the request has a body", 400);
  }
  if (headers["sec-websocket-version"] !== VERSION) return upgradeRequired();
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) {
    return refusal("Sec-WebSocket-Key is not 16 bytes", 400);
  }
  const query = req.url!.split("?", 2)[1];
  if (query !== undefined && hasSecret(query)) {
    return refusal("a token in the URL ends up in logs, send it as a header", 400);
  }
}

/** The answer to requests that ask for no WebSocket, or another version. */
export function upgradeRequired(): GatewayError {
  return refusal(`this is a WebSocket endpoint, version ${VERSION}`, 426, {
    upgrade: "websocket",
    "sec-websocket-version": VERSION,
  });
}

/** The subprotocol to agree on: the best that was offered; `false` for none. */
export function chooseProtocol(
  offered: ReadonlySet<string>,
  isHopAllowed: boolean,
): string | false {
  if (isHopAllowed && offered.has(HOP_PROTOCOL)) return HOP_PROTOCOL;
  return offered.has(MCP_PROTOCOL) && MCP_PROTOCOL;
}

/**
 * Leaves an offer of permessage-deflate out of account whose window is smaller than ours: the library would
 * refuse the whole handshake.
 */
export function dropSmallWindows(req: IncomingMessage): void {
  const offer = req.headers["sec-websocket-extensions"];
  const bits = Number(/server_max_window_bits\s*=\s*"?(\d{1,2})/i.exec(offer ?? "")?.[1] ?? 15);
  if (bits >= 8 && bits < WINDOW_BITS) delete req.headers["sec-websocket-extensions"];
}

function hasSecret(query: string): boolean {
  for (const name of new URLSearchParams(query).keys()) {
    if (SECRETS.includes(name.toLowerCase())) return true;
  }
  return false;
}

function refusal(why: string, status: number, headers: Record<string, string> = {}): GatewayError {
  return new GatewayError("InvalidRequest", `Cannot upgrade: ${why}`, { status, headers });
}
