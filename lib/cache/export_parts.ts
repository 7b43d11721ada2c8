/**
 * Answers of a server as what is exported of them.
 *
 * @module
 */
import { beginScan, endScan, scanElements, skipSpace } from "../core/json_scanner.ts";
import { RawObject } from "../core/raw_object.ts";
import type { ExportEntry } from "../shm/entry.ts";
import type { ExportedContents, ExportedList } from "./export_state.ts";

/** An entry whose type is known. */
export type PartEntry = Omit<ExportEntry, "type">;

/** Members of a list's result that an answer from the export can have, too. */
const LIST_MEMBERS: ReadonlySet<string> = new Set(["ttlMs", "cacheScope", "resultType"]);
/** The same of a content. */
const CONTENT_MEMBERS: ReadonlySet<string> = new Set(["uri", "mimeType", "text", "blob"]);

/** Anything as an entry. */
export function jsonEntry(key: string, value: unknown): PartEntry {
  return { key, data: JSON.stringify(value), metadata: JSON_TYPE };
}

/** Elements of an array as they are spelled; none where it is no array. */
export function rawItems(array: Uint8Array | undefined): Uint8Array[] {
  if (array?.[0] !== OPEN_BRACKET) return [];
  const spans: number[] = [];
  beginScan(array, Infinity); // the depth was checked when the message came
  try {
    scanElements(skipSpace(0), Infinity, spans);
  } finally {
    endScan();
  }
  const items: Uint8Array[] = [];
  for (let at = 0; at < spans.length; at += 2) items.push(array.subarray(spans[at], spans[at + 1]));
  return items;
}

/** An item of a list under its name, as it is spelled. */
export function itemEntry(item: Uint8Array): PartEntry {
  return { key: String(new RawObject(item).value("name")), data: item, metadata: JSON_TYPE };
}

/**
 * How a list can be answered from its entries; `undefined` where it cannot: several pages, names that are there twice,
 * more than the list beside it, or an answer that is not for everybody.
 *
 * @param isForAll whether answers that say nothing are the same for all clients
 */
export function exportedList(
  pages: readonly RawObject[],
  kind: string,
  entries: readonly PartEntry[],
  isForAll: boolean,
): ExportedList | undefined {
  const [page, ...others] = pages;
  if (page === undefined || others.length > 0) return undefined;
  const names = entries.map(({ key }) => key);
  if (new Set(names).size < names.length) return undefined;
  for (const key of page.keys()) if (key !== kind && !LIST_MEMBERS.has(key)) return undefined;
  const sharing = sharingOf(page, isForAll);
  return sharing && { names, ...sharing };
}

/** A resource that was read, as an entry; `undefined` where there is nothing to export. */
export function contentsEntry(
  uri: string,
  name: unknown,
  answer: RawObject,
  isForAll: boolean,
): PartEntry | undefined {
  if (answer.value("cacheScope") === "private") return undefined;
  const [raw, ...others] = rawItems(answer.get("contents"));
  if (raw === undefined) return undefined;
  const content = new RawObject(raw);
  const { text, blob = "" } = { text: content.value("text"), blob: content.value("blob") };
  const mimeType = content.value("mimeType");
  const form = typeof text === "string" ? "text" : "blob";
  const data = form === "text" ? text as string : Uint8Array.fromBase64(String(blob));
  const isAlone = others.length === 0 && content.value("uri") === uri &&
    [...content.keys()].every((key) => CONTENT_MEMBERS.has(key)) &&
    [...answer.keys()].every((key) => key === "contents" || LIST_MEMBERS.has(key)) &&
    (form === "blob" || (text as string).isWellFormed());
  const sharing = isAlone ? sharingOf(answer, isForAll) : undefined;
  const given: ExportedContents | undefined = sharing && { form, ...sharing };
  return { key: uri, data, metadata: { name, mimeType, answer: given } };
}

/** What an answer says of how it may be shared; `undefined` where it may not. */
function sharingOf(answer: RawObject, isForAll: boolean): { ttlMs?: number } | undefined {
  const ttlMs = answer.value("ttlMs"), scope = answer.value("cacheScope");
  if (ttlMs === undefined) return isForAll ? {} : undefined;
  const isUsable = Number.isInteger(ttlMs) && ttlMs as number > 0 && scope === "public";
  return isUsable ? { ttlMs: ttlMs as number } : undefined;
}

const JSON_TYPE = { mimeType: "application/json" };
const OPEN_BRACKET = 0x5b;
