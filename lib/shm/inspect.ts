/**
 * What a file of shared memory holds, in any of its layouts: for people and for programs that look inside.
 *
 * @module
 */
import type { EntryPlace } from "./entry.ts";
import { ShmError } from "./errors.ts";
import { ENTRY_TYPES, type EntryType, FILE_BYTES_MAX, numbersOf, OFFSET } from "./layout.ts";
import {
  COUNT_FIRST_INDEX,
  countFirstFault,
  type Layout,
  publishedFault,
  recogniseLayout,
} from "./plain_layouts.ts";
import { entriesInOrder, type Fault, indexElements, placeIndexed } from "./published.ts";
import { fullFault, readHeader, type SnapshotHeader } from "./verify.ts";

/** One entry as it is shown. */
export interface InspectedEntry {
  readonly type: EntryType;
  readonly key: string;
  /** Where the entry begins in the file. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** The metadata's text; usually JSON. */
  readonly metadataText: string;
  /** The metadata, when it is a JSON object. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  /** Since the entry changed (`updatedMs` of its metadata), else since the snapshot was published. */
  readonly ageMs: number | undefined;
  /** Is it in the published index? */
  readonly indexed: boolean;
}

/** What a file holds. */
export interface Inspection {
  readonly layout: Layout;
  readonly fileBytes: number;
  /** Only our own layout has one. */
  readonly header: SnapshotHeader | undefined;
  /** Since the snapshot was published. */
  readonly ageMs: number | undefined;
  /** The first thing found wrong. */
  readonly fault: Fault | undefined;
  /** Share of the data area that no entry uses, 0 to 1. */
  readonly fragmentation: number;
  readonly entries: readonly InspectedEntry[];
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Looks at the bytes of a file. Entries are listed as far as they are whole, also when something is wrong.
 *
 * @param nowMs Unix time in ms
 * @throws ShmError `invalid` when it is no export in any layout
 */
export function inspect(bytes: Uint8Array, nowMs: number = Date.now()): Inspection {
  const layout = recogniseLayout(bytes);
  if (layout === undefined) {
    const why = "it has no ERLMCP01 magic, and no index that fits the count-first variant";
    throw new ShmError("invalid", `Cannot inspect export: ${why}`);
  }
  const header = layout === "extended" ? readHeader(bytes) : undefined;
  const ageMs = header === undefined ? undefined : nowMs - header.publishedMs;
  const indexed = indexedPlaces(bytes, layout);
  const indexedOffsets = new Set(indexed.map(({ offset }) => offset));
  const places = layout === "extended"
    ? [...entriesInOrder(bytes, Math.min(header!.dataEnd, bytes.length))]
    : indexed;
  return {
    layout,
    fileBytes: bytes.length,
    header,
    ageMs,
    fault: faultOf(bytes, layout),
    fragmentation: fragmentationOf(places),
    entries: places.map((place) =>
      inspectEntry(bytes, place, nowMs, ageMs, indexedOffsets.has(place.offset))
    ),
  };
}

/** Entries with a key; `TYPE:KEY` names one of a type. */
export function entriesOfKey({ entries }: Inspection, key: string): InspectedEntry[] {
  const exact = entries.filter((entry) => `${entry.type}:${entry.key}` === key);
  return exact.length > 0 ? exact : entries.filter((entry) => entry.key === key);
}

/** Data as text; `undefined` when they are no UTF-8. */
export function textOf(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

/** One entry for programs. */
export function entryJson(entry: InspectedEntry): Record<string, unknown> {
  const text = textOf(entry.data);
  return {
    ...entrySummaryJson(entry),
    ...(text === undefined ? { dataBase64: base64(entry.data) } : { data: text }),
  };
}

/** A file for programs, without data. */
export function inspectionJson(path: string, inspection: Inspection): Record<string, unknown> {
  const { entries, ...rest } = inspection;
  return { path, ...rest, entries: entries.map(entrySummaryJson) };
}

/** Largest file that is read for inspection: a user may have raised the exporter's limit. */
export const INSPECTED_BYTES_MAX = 16 * FILE_BYTES_MAX;

function entrySummaryJson(entry: InspectedEntry): Record<string, unknown> {
  const { type, key, offset, data, metadata, metadataText, ageMs, indexed } = entry;
  return {
    ...{ type, key, offset, dataBytes: data.length, ageMs, indexed },
    metadata: metadata ?? metadataText,
  };
}

function faultOf(bytes: Uint8Array, layout: Layout): Fault | undefined {
  if (layout === "extended") return fullFault(bytes);
  return layout === "published" ? publishedFault(bytes) : countFirstFault(bytes);
}

function indexedPlaces(bytes: Uint8Array, layout: Layout): EntryPlace[] {
  if (bytes.length < OFFSET.data) return [];
  const isCountFirst = layout === "count-first";
  const count = numbersOf(bytes).getUint32(isCountFirst ? 0 : OFFSET.indexCount);
  const start = isCountFirst ? COUNT_FIRST_INDEX : OFFSET.index;
  const limit = layout === "extended" ? OFFSET.extensionMagic : OFFSET.data;
  const places = new Map<number, EntryPlace>();
  for (const element of indexElements(bytes, start, count, limit)) {
    const place = placeIndexed(bytes, element, bytes.length);
    if (place !== undefined) places.set(place.offset, place);
  }
  return [...places.values()].sort((a, b) => a.offset - b.offset);
}

function fragmentationOf(places: readonly EntryPlace[]): number {
  const end = places.at(-1)?.end ?? OFFSET.data;
  const used = places.reduce((sum, place) => sum + place.end - place.offset, 0);
  return end === OFFSET.data ? 0 : Math.max(0, 1 - used / (end - OFFSET.data));
}

function inspectEntry(
  bytes: Uint8Array,
  place: EntryPlace,
  nowMs: number,
  snapshotAgeMs: number | undefined,
  indexed: boolean,
): InspectedEntry {
  const metadataText = decoder.decode(bytes.subarray(place.metadataStart, place.end));
  const metadata = objectOf(metadataText);
  const updatedMs = metadata?.updatedMs;
  return {
    type: ENTRY_TYPES[place.typeCode]!,
    key: decoder.decode(bytes.subarray(place.keyStart, place.keyEnd)),
    offset: place.offset,
    data: bytes.slice(place.dataStart, place.dataEnd),
    metadataText,
    metadata,
    ageMs: typeof updatedMs === "number" ? nowMs - updatedMs : snapshotAgeMs,
    indexed,
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? parsed as Record<string, unknown> : undefined;
  } catch {
    return undefined; // shown as text
  }
}

function base64(data: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < data.length; at += 8192) {
    binary += String.fromCharCode(...data.subarray(at, at + 8192));
  }
  return btoa(binary);
}
