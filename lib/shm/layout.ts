/**
 * The layout `ERLMCP01` with its extension `ERLX`, as docs/shm-layout.md tells it: where each field stands, and the two sums.
 * All numbers are big-endian.
 *
 * @module
 */
import { crc32 } from "node:zlib";

/** First 8 bytes of a file of the published layout, as two 32-bit numbers: `ERLM`, `CP01`. */
export const MAGIC = [0x45524c4d, 0x43503031] as const;
/** First 4 bytes of the extension block: `ERLX`. */
export const EXTENSION_MAGIC = 0x45524c58;
/** Version of the published layout. */
export const VERSION = 1;
/** Version of the extension block. */
export const EXTENSION_VERSION = 1;

/** Offsets of the header's fields in bytes; sizes are in docs/shm-layout.md. */
export const OFFSET = {
  magic: 0,
  version: 8,
  indexCount: 12,
  index: 16,
  extensionMagic: 960,
  extensionVersion: 964,
  sequence: 968,
  generation: 976,
  tableOffset: 984,
  tableSlots: 988,
  dataEnd: 992,
  entryCount: 996,
  publishedMs: 1000,
  writerPid: 1008,
  state: 1012,
  crc: 1016,
  reserved: 1020,
  data: 1024,
} as const;

/** `state` of a snapshot that is the newest one. */
export const STATE_LIVE = 1;
/** `state` of a snapshot that another has replaced, or that was withdrawn. */
export const STATE_SUPERSEDED = 2;

/** Bytes of one slot of the hash table: hash u32, offset u32, entry size u32, type u8, zero u8, key length u16. */
export const SLOT_BYTES = 16;
/** Bytes of an index element besides its key: key length u16, offset u64, size u32. */
export const INDEX_FIXED_BYTES = 14;
/** Bytes of an entry besides key, data and metadata: type u8, key length u16, data length u32, metadata length u32. */
export const ENTRY_FIXED_BYTES = 11;
/** Longest key in bytes: its length is a u16. */
export const KEY_BYTES_MAX = 65535;
/** Largest file in bytes unless the user says otherwise. */
export const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Where Sluice writes unless the user names another path. */
export const DEFAULT_PATH = "/dev/shm/sluice_export.bin";

/** What an entry is. */
export type EntryType = "resource" | "tool" | "prompt" | "capability";

/** Entry types by their code; 0 ends the data. */
export const ENTRY_TYPES: readonly (EntryType | undefined)[] = [
  undefined,
  "resource",
  "tool",
  "prompt",
  "capability",
];

/** The byte that stands for a type. */
export const TYPE_CODE: Readonly<Record<EntryType, number>> = {
  resource: 1,
  tool: 2,
  prompt: 3,
  capability: 4,
};

/** FNV-1a, 32 bits, over the type byte and the key's bytes from `start` up to `end`. */
export function hash32(typeCode: number, key: Uint8Array, start = 0, end = key.length): number {
  let hash = Math.imul(0x811c9dc5 ^ typeCode, 0x01000193);
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ key[at], 0x01000193);
  return hash >>> 0;
}

/** CRC-32 (IEEE 802.3, as in zlib) over bytes 0-1011 and 1024 to the end: all but `state`, the sum itself and the reserved bytes. */
export function snapshotCrc(bytes: Uint8Array): number {
  // zlib's: 263 KB in 6.4 us, a table in JavaScript takes about 100 times as long.
  return crc32(bytes.subarray(OFFSET.data), crc32(bytes.subarray(0, OFFSET.state))) >>> 0;
}

/** The bytes as numbers. */
export function numbersOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A u64 as a number; `Infinity` when a double cannot hold it. */
export function readU64(view: DataView, offset: number): number {
  const high = view.getUint32(offset);
  return high > 0x1fffff ? Infinity : high * 0x1_0000_0000 + view.getUint32(offset + 4);
}

/** Writes a whole number below 2^53 as a u64. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / 0x1_0000_0000));
  view.setUint32(offset + 4, value % 0x1_0000_0000);
}
