/**
 * What spans say of calls. Texts of clients are cut, and cleaned of secrets.
 *
 * Source: OpenTelemetry, semantic conventions for MCP.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Session } from "../../core/handler.ts";
import type { Message } from "../../core/message.ts";
import { methodLabel } from "../method_label.ts";
import { redactText } from "../redact.ts";
import type { Attribute } from "./span.ts";
import { type SpanAttribute, varying, written } from "./span_attributes.ts";

const TEXT_CHARS_MAX = 256;
const ID_CHARS_MAX = 64;
const METHOD_CHARS_MAX = 64;
/** Texts that are remembered, of one kind. */
const REMEMBERED_MAX = 256;

/** Names of transports as OpenTelemetry has them; the others run over TCP. */
const NETWORK_TRANSPORTS: Readonly<Record<string, string>> = {
  stdio: "pipe",
  child: "pipe",
  unix: "unix",
  memory: "inproc",
  builtin: "inproc",
};

/** How bytes travel: our name and that of OpenTelemetry. */
export function transportAttributes(transport: string): Attribute[] {
  return [
    ["network.transport", NETWORK_TRANSPORTS[transport] ?? "tcp"],
    ["sluice.transport", transport],
  ];
}

/** The same, written. */
export const transportAttribute = remembered(transportAttributes);

const methodAttribute = remembered((
  method,
) => [["mcp.method.name", cut(method, METHOD_CHARS_MAX)]]);
/** With their method, so that there is one piece to copy. */
const toolAttributes = remembered((name) => [
  ["mcp.method.name", "tools/call"],
  ["gen_ai.operation.name", "execute_tool"],
  ["gen_ai.tool.name", cut(name, TEXT_CHARS_MAX)],
]);
const promptAttributes = remembered((name) => [
  ["mcp.method.name", "prompts/get"],
  ["gen_ai.prompt.name", cut(name, TEXT_CHARS_MAX)],
]);
const resourceAttribute = remembered((uri) => [
  ["mcp.resource.uri", redactText(cut(uri, TEXT_CHARS_MAX))],
]);
const idAttributeOf = varying("jsonrpc.request.id");

/** Instead of an attribute that there is not. */
export const NO_ATTRIBUTE: SpanAttribute = new Uint8Array();

/** The method as part of a name: only those that are known. */
export function spanName(side: string, { method }: Message): string {
  return `${side} ${methodLabel(method!)}`;
}

/** What is asked for: the method, and its object. */
export function requestAttributes(message: Message): SpanAttribute[] {
  const method = message.method!;
  switch (method) {
    case "tools/call":
      return [toolAttributes(message.name ?? "")];
    case "prompts/get":
      return [promptAttributes(message.name ?? "")];
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return [methodAttribute(method), resourceAttribute(message.uri ?? "")];
    default:
      return [methodAttribute(method)];
  }
}

/** The id of a request. */
export function idAttribute({ idKey }: Message): SpanAttribute {
  if (idKey === undefined) return NO_ATTRIBUTE;
  const id = typeof idKey === "string" ? idKey.replace(/^"/, "") : String(idKey);
  return idAttributeOf(cut(id, ID_CHARS_MAX));
}

const sessions = new WeakMap<Session, SpanAttribute>();

/** Who asks: a hash, since whoever knows the id has the session. Clients without sessions have none. */
export function sessionAttribute(session: Session): SpanAttribute {
  if (session.isSessionless) return NO_ATTRIBUTE;
  const known = sessions.get(session);
  if (known !== undefined) return known;
  const { id, protocolVersion } = session;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 16);
  const own: Attribute = ["mcp.session.id", hash];
  if (protocolVersion === undefined) return written([own]); // there will be more to say
  const version = cut(protocolVersion, ID_CHARS_MAX);
  const whole = written([own, ["mcp.protocol.version", version]]);
  sessions.set(session, whole);
  return whole;
}

/** The first characters of a text. */
export function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? text.slice(0, charsMax) : text;
}

/** Writes attributes once for each value, as long as these are few and short. */
function remembered(attributes: (value: string) => Attribute[]): (value: string) => SpanAttribute {
  const known = new Map<string, Uint8Array>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const made = written(attributes(value));
    if (value.length > TEXT_CHARS_MAX) return made;
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(value, made);
    return made;
  };
}
