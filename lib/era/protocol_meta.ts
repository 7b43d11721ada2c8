/**
 * The protocol's own fields in `params._meta`: requests of the sessionless era carry them, requests of
 * the era with a handshake do not. Everything else in a message keeps its bytes.
 *
 * Source: MCP specification, basic, `_meta`, 2026-07-28.
 *
 * @module
 */
import { LATEST_MODERN_VERSION, META_PREFIX } from "../core/eras.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";

/** What a client says of itself, as raw JSON. */
export interface ClientSelf {
  readonly capabilities: Uint8Array;
  readonly info: Uint8Array | undefined;
}

const PROTOCOL_VERSION = `${META_PREFIX}protocolVersion`;
const CAPABILITIES = `${META_PREFIX}clientCapabilities`;
const CLIENT_INFO = `${META_PREFIX}clientInfo`;
const LOG_LEVEL = `${META_PREFIX}logLevel`;
const FIELDS = [PROTOCOL_VERSION, CAPABILITIES, CLIENT_INFO, LOG_LEVEL];

/** Whether a client with these capabilities can be asked for something. */
export function isAskable(capabilities: Uint8Array | undefined): boolean {
  const known = new RawObject(capabilities);
  return ["sampling", "elicitation", "roots"].some((key) => known.get(key) !== undefined);
}

/** The protocol fields of a client, for the `_meta` of a request of the gateway itself. */
export function metaOf(client: ClientSelf): RawObject {
  return addTo(new RawObject(), client);
}

/** A client's request as one of the sessionless era. */
export function withProtocolMeta(message: Message, client: ClientSelf, logLevel?: string): Message {
  return withParams(message, (params) => {
    const meta = addTo(params.object("_meta"), client);
    if (logLevel !== undefined) meta.put(LOG_LEVEL, logLevel);
    params.set("_meta", meta.bytes());
  });
}

/** A client's request as one of the era with a handshake. */
export function withoutProtocolMeta(message: Message): Message {
  return withParams(message, (params) => {
    const meta = params.object("_meta");
    for (const field of FIELDS) meta.delete(field);
    if (meta.size > 0) params.set("_meta", meta.bytes());
    else params.delete("_meta");
  });
}

/** The same message with its parameters changed. */
export function withParams(message: Message, change: (params: RawObject) => void): Message {
  const whole = new RawObject(message.bytes);
  const params = whole.object("params");
  change(params);
  if (params.size > 0) whole.set("params", params.bytes());
  else whole.delete("params");
  const changed = Message.from(whole.bytes());
  return message.context === undefined ? changed : changed.withContext(message.context);
}

function addTo(meta: RawObject, { capabilities, info }: ClientSelf): RawObject {
  meta.put(PROTOCOL_VERSION, LATEST_MODERN_VERSION).set(CAPABILITIES, capabilities);
  if (info !== undefined) meta.set(CLIENT_INFO, info);
  return meta;
}
