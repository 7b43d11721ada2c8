/**
 * What a server says of itself, in both eras: the result of `initialize` and that of `server/discover`.
 *
 * @module
 */
import { notification, rawResult, request } from "../core/compose.ts";
import {
  isLegacyVersion,
  LATEST_LEGACY_VERSION,
  META_PREFIX,
  MODERN_VERSIONS,
} from "../core/eras.ts";
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { type ClientSelf, metaOf } from "./protocol_meta.ts";

/** The key in `_meta` of a result that names the server. */
export const SERVER_INFO = `${META_PREFIX}serverInfo`;

const encoder = new TextEncoder();

/** The probe, and the question of a client whose `initialize` it stands for. */
export function discoverRequest(client: ClientSelf): Message {
  const params = new RawObject().set("_meta", metaOf(client).bytes());
  const text = new RawObject().put("jsonrpc", "2.0").put("id", 0).put("method", "server/discover");
  return Message.from(text.set("params", params.bytes()).bytes());
}

/** `initialize` of the gateway itself, in the name of a client. */
export function initializeRequest(client: ClientSelf): Message {
  const params = new RawObject().put("protocolVersion", LATEST_LEGACY_VERSION)
    .set("capabilities", client.capabilities)
    .set("clientInfo", client.info ?? encoder.encode('{"name":"sluice","version":"0"}'));
  const text = new RawObject().put("jsonrpc", "2.0").put("id", 0).put("method", "initialize");
  return Message.from(text.set("params", params.bytes()).bytes());
}

/** What follows a handshake. */
export const INITIALIZED = notification("notifications/initialized");

/** The answer to `server/discover`, made of an answer to `initialize`. */
export function discoverResult(initialized: Message, id: Uint8Array): Message {
  const from = new RawObject(initialized.bytes).object("result");
  const capabilities = from.object("capabilities");
  capabilities.delete("tasks"); // an extension since 2026-07-28, with other methods
  const to = new RawObject().put("resultType", "complete").put("supportedVersions", MODERN_VERSIONS)
    .set("capabilities", capabilities.bytes());
  const instructions = from.get("instructions");
  if (instructions !== undefined) to.set("instructions", instructions);
  to.put("ttlMs", 0).put("cacheScope", "private");
  const info = from.get("serverInfo");
  if (info !== undefined) to.set("_meta", new RawObject().set(SERVER_INFO, info).bytes());
  return rawResult(id, to.bytes());
}

/** The answer to a client's `initialize`, made of an answer to `server/discover`. */
export function initializeResult(discovered: Message, asked: Message, name: string): Message {
  const from = new RawObject(discovered.bytes).object("result");
  const version = new RawObject(asked.bytes).object("params").value("protocolVersion");
  const to = new RawObject()
    .put("protocolVersion", isLegacyVersion(String(version)) ? version : LATEST_LEGACY_VERSION)
    .set("capabilities", from.object("capabilities").bytes())
    .set(
      "serverInfo",
      from.object("_meta").get(SERVER_INFO) ??
        encoder.encode(JSON.stringify({ name, version: "unknown" })),
    );
  const instructions = from.get("instructions");
  if (instructions !== undefined) to.set("instructions", instructions);
  return rawResult(asked.id!, to.bytes());
}

/**
 * An answer to `initialize` in the version that the client asked for, where the server has only newer ones
 * with a handshake: such a client would have to disconnect (basic/lifecycle, version negotiation), and what
 * newer versions add is used towards clients that declare it.
 */
export function agreedResult(answer: Message, asked: Message): Message {
  const whole = new RawObject(answer.bytes);
  const given = String(whole.object("result").value("protocolVersion"));
  const params = new RawObject(asked.bytes).object("params");
  const wanted = String(params.value("protocolVersion"));
  if (!isLegacyVersion(given) || !isLegacyVersion(wanted) || given <= wanted) return answer;
  const result = whole.object("result").put("protocolVersion", wanted);
  return Message.from(whole.set("result", result.bytes()).bytes());
}

/** A request of the gateway itself with a string parameter. */
export function requestWith(method: string, key: string, value: string): Message {
  return request(0, method, { [key]: value });
}
