/**
 * Builds a snapshot: entries in, the bytes of the whole file out. Pure.
 *
 * @module
 */
import type { EncodedEntry } from "./entry.ts";
import { ShmError } from "./errors.ts";
import {
  ENTRY_TYPES,
  EXTENSION_MAGIC,
  EXTENSION_VERSION,
  FILE_BYTES_MAX,
  INDEX_FIXED_BYTES,
  MAGIC,
  numbersOf,
  OFFSET,
  SLOT_BYTES,
  snapshotCrc,
  STATE_LIVE,
  VERSION,
  writeU64,
} from "./layout.ts";

/** What the header of a snapshot says about its making. */
export interface SnapshotStamp {
  /** Number of the snapshot, goes up by one with each. */
  readonly sequence: number;
  /** Number of the writer, goes up by one with each that takes the path over. */
  readonly generation: number;
  /** Unix time in ms. */
  readonly publishedMs: number;
  readonly pid: number;
}

/** Prefixes of index keys, by type code. */
const PREFIXES = ENTRY_TYPES.map((type) => new TextEncoder().encode(`${type}:`));

/**
 * Builds the whole file. Entries keep their order; no two may have the same type and key.
 *
 * @throws ShmError `full` over `bytesMax`; `refused` when an entry is there twice
 */
export function buildSnapshot(
  entries: readonly EncodedEntry[],
  stamp: SnapshotStamp,
  bytesMax: number = FILE_BYTES_MAX,
): Uint8Array {
  let dataEnd: number = OFFSET.data;
  for (const entry of entries) dataEnd += entry.bytes.length;
  const slots = slotsFor(entries.length);
  // The 0 byte after the last entry, then up to the next multiple of 16.
  const tableOffset = Math.ceil((dataEnd + 1) / SLOT_BYTES) * SLOT_BYTES;
  const fileBytes = tableOffset + slots * SLOT_BYTES;
  if (fileBytes > bytesMax) {
    const why =
      `${entries.length} entries need ${fileBytes} bytes, at most ${bytesMax} are allowed`;
    throw new ShmError("full", `Cannot build snapshot: ${why}`);
  }
  const bytes = new Uint8Array(fileBytes);
  const view = numbersOf(bytes);
  const offsets = writeEntries(bytes, view, entries, tableOffset, slots);
  const indexed = writeIndex(bytes, view, entries, offsets);
  view.setUint32(OFFSET.magic, MAGIC[0]);
  view.setUint32(OFFSET.magic + 4, MAGIC[1]);
  view.setUint32(OFFSET.version, VERSION);
  view.setUint32(OFFSET.indexCount, indexed);
  view.setUint32(OFFSET.extensionMagic, EXTENSION_MAGIC);
  view.setUint32(OFFSET.extensionVersion, EXTENSION_VERSION);
  writeU64(view, OFFSET.sequence, stamp.sequence);
  writeU64(view, OFFSET.generation, stamp.generation);
  view.setUint32(OFFSET.tableOffset, tableOffset);
  view.setUint32(OFFSET.tableSlots, slots);
  view.setUint32(OFFSET.dataEnd, dataEnd);
  view.setUint32(OFFSET.entryCount, entries.length);
  writeU64(view, OFFSET.publishedMs, stamp.publishedMs);
  view.setUint32(OFFSET.writerPid, stamp.pid);
  view.setUint32(OFFSET.state, STATE_LIVE);
  view.setUint32(OFFSET.crc, snapshotCrc(bytes));
  return bytes;
}

/** The smallest power of two that keeps the load at or below one half. */
function slotsFor(entryCount: number): number {
  let slots = 2;
  while (slots < entryCount * 2) slots *= 2;
  return slots;
}

/** Copies the entries and fills the hash table; gives each entry's offset. */
function writeEntries(
  bytes: Uint8Array,
  view: DataView,
  entries: readonly EncodedEntry[],
  tableOffset: number,
  slots: number,
): Uint32Array {
  const offsets = new Uint32Array(entries.length);
  let offset: number = OFFSET.data;
  for (const [index, entry] of entries.entries()) {
    bytes.set(entry.bytes, offset);
    offsets[index] = offset;
    let slot = entry.hash & (slots - 1);
    for (;;) {
      const at = tableOffset + slot * SLOT_BYTES;
      const taken = view.getUint32(at + 4);
      if (taken === 0) {
        view.setUint32(at, entry.hash);
        view.setUint32(at + 4, offset);
        view.setUint32(at + 8, entry.bytes.length);
        view.setUint8(at + 12, entry.typeCode);
        view.setUint16(at + 14, entry.keyBytes);
        break;
      }
      if (view.getUint32(at) === entry.hash) refuseSameKey(bytes, taken, offset, entry);
      slot = (slot + 1) & (slots - 1);
    }
    offset += entry.bytes.length;
  }
  return offsets;
}

/** Two entries are the same when type, key length and key (the first bytes of both) are. */
function refuseSameKey(
  bytes: Uint8Array,
  a: number,
  b: number,
  { keyBytes, typeCode }: EncodedEntry,
) {
  for (let at = 0; at < 3 + keyBytes; at++) if (bytes[a + at] !== bytes[b + at]) return;
  const key = new TextDecoder().decode(bytes.subarray(a + 3, a + 3 + keyBytes));
  const why = `${ENTRY_TYPES[typeCode]} ${key} is there twice`;
  throw new ShmError("refused", `Cannot build snapshot: ${why}`);
}

/** Fills the published index, hottest first; an entry whose key does not fit any more is left out. Gives the count. */
function writeIndex(
  bytes: Uint8Array,
  view: DataView,
  entries: readonly EncodedEntry[],
  offsets: Uint32Array,
): number {
  const byHeat = [...entries.keys()].sort((a, b) => entries[b].heat - entries[a].heat || a - b);
  let at: number = OFFSET.index;
  let count = 0;
  for (const index of byHeat) {
    const { bytes: entry, typeCode, keyBytes } = entries[index];
    const prefix = PREFIXES[typeCode];
    const length = prefix.length + keyBytes;
    if (at + INDEX_FIXED_BYTES + length > OFFSET.extensionMagic) continue;
    view.setUint16(at, length);
    bytes.set(prefix, at + 2);
    bytes.set(entry.subarray(3, 3 + keyBytes), at + 2 + prefix.length);
    at += 2 + length;
    writeU64(view, at, offsets[index]);
    view.setUint32(at + 8, entry.length);
    at += 12;
    count++;
  }
  return count;
}
