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
import { type Piece, piece } from "./json_bytes.ts";
import { attribute, type AttributeText } from "./span.ts";

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
export const transportPiece = remembered((transport) =>
  `,${attribute("network.transport", NETWORK_TRANSPORTS[transport] ?? "tcp")},` +
  attribute("sluice.transport", transport)
);

const methodPiece = remembered((method) =>
  attribute("mcp.method.name", cut(method, METHOD_CHARS_MAX))
);
const toolPiece = remembered((name) =>
  `,${attribute("gen_ai.operation.name", "execute_tool")},` +
  attribute("gen_ai.tool.name", cut(name, TEXT_CHARS_MAX))
);
const promptPiece = remembered((name) =>
  `,${attribute("gen_ai.prompt.name", cut(name, TEXT_CHARS_MAX))}`
);
const resourcePiece = remembered((uri) =>
  `,${attribute("mcp.resource.uri", redactText(cut(uri, TEXT_CHARS_MAX)))}`
);

/** The method as part of a name: only those that are known. */
export function spanName(side: string, { method }: Message): string {
  return `${side} ${methodLabel(method!)}`;
}

/** What is asked for: the method, and its object. */
export function requestPieces(message: Message): [method: Piece, object: Piece] {
  const method = message.method!;
  const { name = "", uri = "" } = message;
  switch (method) {
    case "tools/call":
      return [methodPiece(method), toolPiece(name)];
    case "prompts/get":
      return [methodPiece(method), promptPiece(name)];
    case "resources/read":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return [methodPiece(method), resourcePiece(uri)];
    default:
      return [methodPiece(method), ""];
  }
}

/** The id of a request. */
export function idPiece({ idKey }: Message): Piece {
  if (idKey === undefined) return "";
  const id = typeof idKey === "string" ? idKey.replace(/^"/, "") : String(idKey);
  return `,${attribute("jsonrpc.request.id", cut(id, ID_CHARS_MAX))}`;
}

const sessions = new WeakMap<Session, Piece>();

/** Who asks: a hash, since whoever knows the id has the session. Clients without sessions have none. */
export function sessionPiece(session: Session): Piece {
  if (session.isSessionless) return "";
  const known = sessions.get(session);
  if (known !== undefined) return known;
  const { id, protocolVersion } = session;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 16);
  const text = `,${attribute("mcp.session.id", hash)}`;
  if (protocolVersion === undefined) return text; // there will be more to say
  const version = attribute("mcp.protocol.version", cut(protocolVersion, ID_CHARS_MAX));
  const whole = piece(`${text},${version}`);
  sessions.set(session, whole);
  return whole;
}

/** The first characters of a text. */
export function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? text.slice(0, charsMax) : text;
}

/** Makes a piece once for each value, as long as these are few and short. */
function remembered(make: (value: string) => AttributeText): (value: string) => Piece {
  const pieces = new Map<string, Uint8Array>();
  return (value) => {
    let made = pieces.get(value);
    if (made !== undefined) return made;
    if (value.length > TEXT_CHARS_MAX) return make(value);
    if (pieces.size >= REMEMBERED_MAX) pieces.clear();
    pieces.set(value, made = piece(make(value)));
    return made;
  };
}
