/**
 * Answers of servers with a handshake, as answers of the sessionless era.
 *
 * @module
 */
import { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { SERVER_INFO } from "./discovery.ts";

/** Methods whose results tell how long they may be kept (utilities/caching, 2026-07-28). */
const CACHEABLE: ReadonlySet<string> = new Set([
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
]);

/** Methods whose results may require input (basic/patterns/mrtr, 2026-07-28). */
const ASKING: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"]);

/** Whether the answer to a request may ask its client for something. */
export function mayRequireInput({ method }: Message): boolean {
  return ASKING.has(method ?? "");
}

/** Resource not found, until 2025-11-25; the sessionless era says invalid parameters. */
const RESOURCE_NOT_FOUND = -32002;
const INVALID_PARAMS = -32602;

/**
 * The same answer with what every result of the sessionless era has to say. Lists of a server that says
 * nothing about their life are good for this answer only.
 *
 * @param serverInfo raw `serverInfo` of the server
 */
export function modernResult(
  answer: Message,
  method: string,
  serverInfo: Uint8Array | undefined,
): Message {
  const whole = new RawObject(answer.bytes);
  if (answer.isError) {
    const error = whole.object("error");
    if (error.value("code") !== RESOURCE_NOT_FOUND) return answer;
    return Message.from(whole.set("error", error.put("code", INVALID_PARAMS).bytes()).bytes());
  }
  const value = whole.object("result");
  if (value.get("resultType") === undefined) value.put("resultType", "complete");
  if (CACHEABLE.has(method) && value.get("ttlMs") === undefined) {
    value.put("ttlMs", 0).put("cacheScope", "private");
  }
  if (serverInfo !== undefined) {
    const meta = value.object("_meta");
    if (meta.get(SERVER_INFO) === undefined) meta.set(SERVER_INFO, serverInfo);
    value.set("_meta", meta.bytes());
  }
  return Message.from(whole.set("result", value.bytes()).bytes());
}
