/**
 * The four lists of a server, and what is known of each of them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import { RawObject } from "../core/raw_object.ts";
import { ownRequest } from "./message_edits.ts";
import { joinElements, rawElements } from "./raw_array.ts";

/** A method that lists something. */
export type ListMethod =
  | "tools/list"
  | "prompts/list"
  | "resources/list"
  | "resources/templates/list";

/** What changes together, as `notifications/.../list_changed` names it. */
export type ListKind = "tools" | "prompts" | "resources";

/** What stands where in a list. */
export interface ListForm {
  readonly kind: ListKind;
  /** The key of the result that holds the items. */
  readonly items: string;
  /** The key of an item by which it is asked for. */
  readonly key: "name" | "uri" | "uriTemplate";
}

/** The form of each list. */
export const LISTS: Readonly<Record<ListMethod, ListForm>> = {
  "tools/list": { kind: "tools", items: "tools", key: "name" },
  "prompts/list": { kind: "prompts", items: "prompts", key: "name" },
  "resources/list": { kind: "resources", items: "resources", key: "uri" },
  "resources/templates/list": {
    kind: "resources",
    items: "resourceTemplates",
    key: "uriTemplate",
  },
};

/** Whether a method lists something. */
export function isListMethod(method: string | undefined): method is ListMethod {
  return method !== undefined && Object.hasOwn(LISTS, method);
}

/** One entry of a list. */
export interface ListItem {
  /** Its name, URI or template. */
  readonly key: string;
  /** Raw JSON text. */
  readonly raw: Uint8Array;
}

/** What one server lists. Immutable. */
export interface ListPart {
  readonly items: readonly ListItem[];
  /** The same for the same items. */
  readonly digest: string;
  /** All items, as a JSON array. */
  readonly text: Uint8Array;
}

/** Pages of one list that are followed. */
const PAGES_MAX = 100;
/** Items of one list. */
const ITEMS_MAX = 10_000;
/** Bytes of one list. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;
const METHOD_NOT_FOUND = -32601;

/**
 * Asks a server for a whole list, page by page. A server that does not know the method has an empty one.
 *
 * @param meta raw `_meta` of each request, where the era has protocol fields
 * @throws {GatewayError} when the server fails, or its list passes a limit
 */
export async function fetchList(
  ask: (message: Message) => Promise<Message>,
  method: ListMethod,
  meta?: Uint8Array,
): Promise<ListPart> {
  const { items: itemsKey, key } = LISTS[method];
  const items: ListItem[] = [];
  let cursor: Uint8Array | undefined, bytes = 0;
  for (let page = 0; page < PAGES_MAX; page++) {
    const params = new RawObject();
    if (cursor !== undefined) params.set("cursor", cursor);
    const answer = await ask(ownRequest(method, params, meta));
    if (answer.isError) {
      const { code, message } = answer.json().error;
      if (code === METHOD_NOT_FOUND) return EMPTY_PART;
      throw broken(method, `the server answered ${code}: ${message}`);
    }
    bytes += answer.bytes.length;
    const value = new RawObject(answer.bytes).object("result");
    items.push(...itemsOf(value.get(itemsKey), key));
    cursor = value.get("nextCursor");
    if (cursor === undefined || cursor[0] !== QUOTE) return partOf(items);
    if (items.length > ITEMS_MAX || bytes > LIST_BYTES_MAX) break;
  }
  throw broken(method, "it is too long");
}

/** The items of a raw array; what has no key by which it could be asked for is left out. */
export function itemsOf(raw: Uint8Array | undefined, key: string): ListItem[] {
  if (raw?.[0] !== OPEN_BRACKET) return [];
  return rawElements(raw, ITEMS_MAX).flatMap((element) => {
    if (element[0] !== OPEN_BRACE) return [];
    const value = new RawObject(element).value(key);
    return typeof value === "string" ? [{ key: value, raw: element }] : [];
  });
}

/** A list of these items, with bytes of its own: what came may be a view of something much larger. */
export function partOf(from: readonly ListItem[]): ListPart {
  const text = joinElements(from.map(({ raw }) => raw));
  let at = 1;
  const items = from.map(({ key, raw }) => {
    const own = { key, raw: text.subarray(at, at + raw.length) };
    at += raw.length + 1;
    return own;
  });
  return { items, digest: createHash("sha256").update(text).digest("base64"), text };
}

/** A list without items. */
export const EMPTY_PART: ListPart = partOf([]);

function broken(method: ListMethod, why: string): GatewayError {
  return new GatewayError("UpstreamProtocolError", `Cannot take ${method}: ${why}`);
}

const QUOTE = 0x22, OPEN_BRACKET = 0x5b, OPEN_BRACE = 0x7b;
