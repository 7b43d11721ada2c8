/**
 * Headers of a request in the era without sessions: they repeat parts of the body, so that whoever
 * stands between can read them.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28, request metadata.
 *
 * @module
 */
import { GatewayError } from "../../lib/core/errors.ts";
import { toHeaderValue } from "../../lib/core/header_value.ts";
import type { Message } from "../../lib/core/message.ts";
import type { Headers } from "../../lib/core/param_headers.ts";

/** What a client behind the gateway may add: nothing that means something to HTTP itself. */
const PARAM_PREFIX = "mcp-param-";

/**
 * The headers of a request: first what came with it, then what is configured, then the protocol's own;
 * the later replaces the earlier.
 *
 * @param params `mcp-param-*` of the call
 * @throws {GatewayError} InvalidRequest when its method fits into no header
 */
export function singleHeaders(
  message: Message,
  configured: Headers,
  params: Headers,
): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  const given = message.context?.headers;
  for (const name in given) if (name.startsWith(PARAM_PREFIX)) headers[name] = given[name];
  Object.assign(headers, configured, params);
  delete headers["mcp-session-id"];
  delete headers["last-event-id"];
  headers["mcp-protocol-version"] = message.protocolVersion!;
  headers["mcp-method"] = methodOf(message);
  const name = nameOf(message);
  if (name === undefined) delete headers["mcp-name"];
  else headers["mcp-name"] = toHeaderValue(name);
  return headers;
}

/** Unlike a name, a method has no encoding. */
function methodOf(message: Message): string {
  const method = message.method!;
  if (toHeaderValue(method) === method) return method;
  throw new GatewayError("InvalidRequest", "Cannot send request: its method fits into no header");
}

function nameOf(message: Message): string | undefined {
  switch (message.method) {
    case "tools/call":
    case "prompts/get":
      return message.name;
    case "resources/read":
      return message.uri;
    case "tasks/get": // SEP-2663: an extension, and what it names
    case "tasks/update":
    case "tasks/cancel": {
      const { taskId } = message.json().params ?? {};
      return typeof taskId === "string" ? taskId : undefined;
    }
  }
}
