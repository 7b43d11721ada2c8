/**
 * One entry as its bytes: `[type u8][key length u16][key][data length u32][data][metadata length u32][metadata]`.
 *
 * @module
 */
import { ShmError } from "./errors.ts";
import { ENTRY_FIXED_BYTES, type EntryType, hash32, KEY_BYTES_MAX, TYPE_CODE } from "./layout.ts";

/** Something to export. */
export interface ExportEntry {
  readonly type: EntryType;
  /** URI of a resource, name of a tool, prompt or capability. Lone surrogates become U+FFFD. */
  readonly key: string;
  /** Text is written as UTF-8. */
  readonly data: Uint8Array | string;
  /** Becomes JSON; `{}` without. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An entry ready to be copied into a snapshot. */
export interface EncodedEntry {
  readonly bytes: Uint8Array;
  readonly typeCode: number;
  /** Length of the key in bytes. */
  readonly keyBytes: number;
  /** {@link hash32} of type and key. */
  readonly hash: number;
  /** Hotter entries come first in the published index; any scale. */
  readonly heat: number;
}

const encoder = new TextEncoder();

/**
 * Encodes one entry.
 *
 * @throws ShmError `refused`: the key is longer than 65535 bytes
 */
export function encodeEntry(entry: ExportEntry, heat = 0): EncodedEntry {
  const key = encoder.encode(entry.key);
  if (key.length > KEY_BYTES_MAX) {
    const why = `its key has ${key.length} bytes, at most ${KEY_BYTES_MAX} fit`;
    throw new ShmError("refused", `Cannot export ${entry.type}: ${why}`);
  }
  const data = typeof entry.data === "string" ? encoder.encode(entry.data) : entry.data;
  const metadata = encoder.encode(JSON.stringify(entry.metadata ?? {}));
  const typeCode = TYPE_CODE[entry.type];
  const bytes = new Uint8Array(ENTRY_FIXED_BYTES + key.length + data.length + metadata.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, typeCode);
  view.setUint16(1, key.length);
  bytes.set(key, 3);
  const dataAt = 3 + key.length;
  view.setUint32(dataAt, data.length);
  bytes.set(data, dataAt + 4);
  const metadataAt = dataAt + 4 + data.length;
  view.setUint32(metadataAt, metadata.length);
  bytes.set(metadata, metadataAt + 4);
  return { bytes, typeCode, keyBytes: key.length, hash: hash32(typeCode, key), heat };
}

/** Where the parts of an entry stand in a file. */
export interface EntryPlace {
  readonly typeCode: number;
  /** Where the entry begins. */
  readonly offset: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly metadataStart: number;
  /** Where the metadata and the entry end. */
  readonly end: number;
}

/** Finds the parts of the entry at `offset`; `undefined` when it does not fit before `limit` or its type is unknown. */
export function placeEntry(view: DataView, offset: number, limit: number): EntryPlace | undefined {
  if (offset < 0 || offset + ENTRY_FIXED_BYTES > limit) return undefined;
  const typeCode = view.getUint8(offset);
  if (typeCode < 1 || typeCode > 4) return undefined;
  const keyStart = offset + 3;
  const keyEnd = keyStart + view.getUint16(offset + 1);
  if (keyEnd + 8 > limit) return undefined;
  const dataStart = keyEnd + 4;
  const dataEnd = dataStart + view.getUint32(keyEnd);
  if (dataEnd + 4 > limit) return undefined;
  const metadataStart = dataEnd + 4;
  const end = metadataStart + view.getUint32(dataEnd);
  if (end > limit) return undefined;
  return { typeCode, offset, keyStart, keyEnd, dataStart, dataEnd, metadataStart, end };
}
