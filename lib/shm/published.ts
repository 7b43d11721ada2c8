/**
 * What a reader sees that knows only the published layout: an index with absolute offsets near the start of the file, and entries
 * one after the other from byte 1024. Shared with the older variant that begins with the count, without a magic.
 *
 * @module
 */
import { type EntryPlace, placeEntry } from "./entry.ts";
import { ENTRY_TYPES, INDEX_FIXED_BYTES, numbersOf, OFFSET, readU64 } from "./layout.ts";

/** Something wrong in a file. */
export interface Fault {
  /** Offset in bytes. */
  readonly offset: number;
  /** One clause. */
  readonly why: string;
}

/** One element of the published index: `[key length u16][key][offset u64][size u32]`. */
export interface IndexElement {
  /** Where the element begins. */
  readonly at: number;
  /** Where its offset stands; its size stands 8 bytes further. */
  readonly offsetAt: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Where the entry begins. */
  readonly offset: number;
  /** Bytes of the whole entry. */
  readonly size: number;
}

const PREFIXES = ENTRY_TYPES.map((type) =>
  type === undefined ? undefined : new TextEncoder().encode(`${type}:`)
);

/** Elements of the index that begins at `at`, as far as they are whole; nothing is read at or after `limit`. */
export function* indexElements(
  bytes: Uint8Array,
  at: number,
  count: number,
  limit: number,
): Generator<IndexElement> {
  const view = numbersOf(bytes);
  const end = Math.min(limit, bytes.length);
  for (let index = 0; index < count; index++) {
    if (at + INDEX_FIXED_BYTES > end) return;
    const keyStart = at + 2;
    const keyEnd = keyStart + view.getUint16(at);
    if (keyEnd + 12 > end) return;
    const offset = readU64(view, keyEnd);
    const size = view.getUint32(keyEnd + 8);
    yield { at, offsetAt: keyEnd, keyStart, keyEnd, offset, size };
    at = keyEnd + 12;
  }
}

/** The entry that an index element points to, when it is whole, ends where the index says and has the same key. */
export function placeIndexed(
  bytes: Uint8Array,
  element: IndexElement,
  dataEnd: number,
): EntryPlace | undefined {
  const { offset, size, keyStart, keyEnd } = element;
  if (offset < OFFSET.data || offset + size > dataEnd) return undefined;
  const place = placeEntry(numbersOf(bytes), offset, offset + size);
  if (place === undefined || place.end !== offset + size) return undefined;
  const prefix = PREFIXES[place.typeCode]!;
  const own = place.keyEnd - place.keyStart;
  if (keyEnd - keyStart !== prefix.length + own) return undefined;
  if (!sameBytes(bytes, keyStart, prefix, 0, prefix.length)) return undefined;
  const isSameKey = sameBytes(bytes, keyStart + prefix.length, bytes, place.keyStart, own);
  return isSameKey ? place : undefined;
}

/** Checks an index that ends before `limit`: whole elements, each pointing to its entry, then zeros. */
export function checkIndex(
  bytes: Uint8Array,
  start: number,
  count: number,
  limit: number,
  dataEnd: number,
): Fault | undefined {
  let end = start;
  let seen = 0;
  for (const element of indexElements(bytes, start, count, limit)) {
    if (placeIndexed(bytes, element, dataEnd) === undefined) {
      return {
        offset: element.at,
        why: "this element of the index does not fit the entry it names",
      };
    }
    end = element.offsetAt + 12;
    seen++;
  }
  if (seen < count) {
    return { offset: end, why: `the index ends after ${seen} of ${count} elements` };
  }
  for (let offset = end; offset < limit; offset++) {
    if (bytes[offset] !== 0) return { offset, why: `the byte is ${bytes[offset]}, not 0` };
  }
}

/**
 * Looks an entry up as a reader that knows only the published layout: along the index.
 *
 * @param prefixedKey as in the index: `tool:echo`
 */
export function findPublished(bytes: Uint8Array, prefixedKey: string): EntryPlace | undefined {
  if (bytes.length < OFFSET.data) return undefined;
  const wanted = new TextEncoder().encode(prefixedKey);
  const count = numbersOf(bytes).getUint32(OFFSET.indexCount);
  for (const element of indexElements(bytes, OFFSET.index, count, OFFSET.data)) {
    if (element.keyEnd - element.keyStart !== wanted.length) continue;
    if (!sameBytes(bytes, element.keyStart, wanted, 0, wanted.length)) continue;
    return placeIndexed(bytes, element, bytes.length);
  }
}

/** Walks the entries from byte 1024 until something is no entry: the 0 byte, or the end. */
export function* entriesInOrder(
  bytes: Uint8Array,
  end: number = bytes.length,
): Generator<EntryPlace> {
  const view = numbersOf(bytes);
  let place = placeEntry(view, OFFSET.data, end);
  while (place !== undefined) {
    yield place;
    place = placeEntry(view, place.end, end);
  }
}

/** Are `count` bytes of `a` from `aStart` those of `b` from `bStart`? */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  count: number,
): boolean {
  for (let index = 0; index < count; index++) {
    if (a[aStart + index] !== b[bStart + index]) return false;
  }
  return true;
}
