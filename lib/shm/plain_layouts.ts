/**
 * Which layout a file has: ours, the published one without our extension, or the older variant of it whose index stands at
 * the start of the file, behind the count alone and without a magic.
 *
 * @module
 */
import { numbersOf, OFFSET } from "./layout.ts";
import { checkIndex, type Fault } from "./published.ts";
import { hasExtension, hasMagic } from "./verify.ts";

/** `extended`: ours. `published`: magic, no extension. `count-first`: `[count u32][index]`, data from 1024. */
export type Layout = "extended" | "published" | "count-first";

/** Offset of the index in the count-first variant. */
export const COUNT_FIRST_INDEX = 4;

/** Recognises a file by its first kilobyte and, without a magic, by an index that fits the entries it names. */
export function recogniseLayout(bytes: Uint8Array): Layout | undefined {
  if (hasMagic(bytes)) return hasExtension(bytes) ? "extended" : "published";
  if (bytes.length >= OFFSET.data && countFirstFault(bytes) === undefined) return "count-first";
}

/** What is wrong with a file of the published layout without extension. */
export function publishedFault(bytes: Uint8Array): Fault | undefined {
  if (bytes.length < OFFSET.data) {
    return { offset: bytes.length, why: `the file ends here, the header has ${OFFSET.data} bytes` };
  }
  const view = numbersOf(bytes);
  const version = view.getUint32(OFFSET.version);
  if (version !== 1) return { offset: OFFSET.version, why: `the version is ${version}, not 1` };
  const count = view.getUint32(OFFSET.indexCount);
  return checkIndex(bytes, OFFSET.index, count, OFFSET.data, bytes.length);
}

/** What is wrong with a file of the count-first variant. A file of zeros is one without entries. */
export function countFirstFault(bytes: Uint8Array): Fault | undefined {
  const count = numbersOf(bytes).getUint32(0);
  return checkIndex(bytes, COUNT_FIRST_INDEX, count, OFFSET.data, bytes.length);
}
