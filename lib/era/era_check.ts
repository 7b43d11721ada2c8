/**
 * Whether a request may be served in the era that it is of: protocol fields, and over HTTP the headers
 * that repeat them.
 *
 * Source: MCP specification, basic (`_meta`) and basic/transports/streamable-http (server validation),
 * 2026-07-28.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import {
  DISCOVER_METHOD,
  type Era,
  isModernVersion,
  MODERN_VERSIONS,
  noDiscovery,
} from "../core/eras.ts";
import { GatewayError } from "../core/errors.ts";
import type { EraCheck } from "../core/handler.ts";
import { fromHeaderValue } from "../core/header_value.ts";
import type { Message } from "../core/message.ts";

const OPEN_BRACE = 0x7b;

/** Methods of the other era. */
const GONE: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "logging/setLevel",
  "resources/subscribe",
  "resources/unsubscribe",
]);

/** The check for a gateway that serves both eras, or one only. */
export function eraCheck(only?: Era): EraCheck {
  return (message, request, isSessionless) => {
    if (!isSessionless) return only === "modern" ? noHandshake() : undefined;
    if (only === "legacy") return noSessionless(message);
    return problemOf(message, request);
  };
}

function problemOf(
  message: Message,
  request: RequestInfo,
): GatewayError | undefined {
  const { protocolVersion } = message;
  if (protocolVersion === undefined) return missing("protocolVersion");
  const isHttp = request.transport === "http";
  if (isHttp && request.header("mcp-protocol-version") !== protocolVersion) {
    return mismatch("MCP-Protocol-Version");
  }
  if (!isModernVersion(protocolVersion)) return unsupported(protocolVersion);
  if (message.metaField("clientCapabilities")?.[0] !== OPEN_BRACE) {
    return missing("clientCapabilities");
  }
  const header = isHttp ? mismatchedHeader(message, request) : undefined;
  if (header !== undefined) return mismatch(header);
  if (!GONE.has(message.method!)) return undefined;
  return new GatewayError("MethodNotFound", `Cannot call ${message.method}: no such method`);
}

/** The header that does not say what the body says. */
function mismatchedHeader(message: Message, request: RequestInfo): string | undefined {
  if (request.header("mcp-method") !== message.method) return "Mcp-Method";
  const named = nameOf(message);
  if (named === undefined) return undefined;
  const header = request.header("mcp-name");
  return header === undefined || fromHeaderValue(header) !== named ? "Mcp-Name" : undefined;
}

/** What `Mcp-Name` repeats. */
function nameOf(message: Message): string | undefined {
  switch (message.method) {
    case "tools/call":
    case "prompts/get":
      return message.name;
    case "resources/read":
      return message.uri;
  }
}

function missing(field: string): GatewayError {
  return new GatewayError(
    "InvalidParams",
    `Cannot accept request: params._meta has no io.modelcontextprotocol/${field}`,
  );
}

function mismatch(header: string): GatewayError {
  return new GatewayError(
    "HeaderMismatch",
    `Cannot accept request: header ${header} is missing or differs from the body`,
  );
}

/** Names the versions that `server/discover` names: those with a handshake are not asked for in this way. */
function unsupported(requested: string): GatewayError {
  return new GatewayError(
    "UnsupportedVersion",
    "Cannot accept request: protocol version not supported",
    { data: { supported: MODERN_VERSIONS, requested } },
  );
}

function noHandshake(): GatewayError {
  return new GatewayError(
    "UnsupportedVersion",
    `Cannot initialize: this endpoint speaks only ${MODERN_VERSIONS.join(", ")}`,
    { data: { supported: MODERN_VERSIONS } },
  );
}

/** No error of the sessionless era: its clients are to fall back to the handshake. */
function noSessionless({ method }: Message): GatewayError {
  if (method === DISCOVER_METHOD) return noDiscovery();
  return new GatewayError(
    "InvalidRequest",
    `Cannot call ${method}: this endpoint speaks the initialize handshake`,
  );
}
