/**
 * Lookups in the bytes of a checked snapshot. Pure; every access is bounded, whatever the bytes say.
 *
 * @module
 */
import { type EntryPlace, placeEntry } from "./entry.ts";
import { ShmError } from "./errors.ts";
import {
  ENTRY_TYPES,
  type EntryType,
  hash32,
  numbersOf,
  OFFSET,
  SLOT_BYTES,
  STATE_SUPERSEDED,
  TYPE_CODE,
} from "./layout.ts";
import { entriesInOrder, sameBytes } from "./published.ts";
import { readHeader, type SnapshotHeader } from "./verify.ts";

/** Type and key of an entry. */
export interface EntryName {
  readonly type: EntryType;
  readonly key: string;
}

/** Keys up to a third of this many UTF-16 units are encoded without allocation. */
const SCRATCH_BYTES = 3072;
/** Copies up to a quarter of this share memory. */
const SLAB_BYTES = 16384;

const encoder = new TextEncoder();
// A byte order mark is part of a key.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A copy of an entry's data and metadata. Small ones are parts of a larger buffer: do not transfer or resize theirs. */
export class ExportedEntry {
  readonly data: Uint8Array;
  readonly #metadata: Uint8Array;

  constructor(data: Uint8Array, metadata: Uint8Array) {
    this.data = data;
    this.#metadata = metadata;
  }

  /**
   * The metadata, parsed at each call.
   *
   * @throws ShmError `invalid` when it is no JSON object
   */
  get metadata(): Record<string, unknown> {
    return parseMetadata(this.#metadata);
  }

  /** The metadata as it is stored. */
  get metadataText(): string {
    return decoder.decode(this.#metadata);
  }
}

/** One snapshot, seen through its hash table. */
export class SnapshotView {
  readonly header: SnapshotHeader;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  /** @param bytes at least the header; `quickFault()` has found nothing wrong with them */
  constructor(bytes: Uint8Array) {
    this.header = readHeader(bytes);
    this.#bytes = bytes;
    this.#view = numbersOf(bytes);
  }

  /** Bytes of the file. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Has the writer marked this snapshot as no longer the newest? Read anew from the bytes. */
  get superseded(): boolean {
    return this.#view.getUint32(OFFSET.state) === STATE_SUPERSEDED;
  }

  /** Copies an entry; `undefined` when it is not there. */
  get(type: EntryType, key: string): ExportedEntry | undefined {
    const place = this.find(type, key);
    if (place === undefined) return undefined;
    const copy = copyOf(this.#bytes, place.dataStart, place.end);
    const dataBytes = place.dataEnd - place.dataStart;
    return new ExportedEntry(copy.subarray(0, dataBytes), copy.subarray(dataBytes + 4));
  }

  /**
   * The metadata of an entry, without a copy of its data.
   *
   * @throws ShmError `invalid` when it is no JSON object
   */
  metadata(type: EntryType, key: string): Record<string, unknown> | undefined {
    const place = this.find(type, key);
    if (place === undefined) return undefined;
    return parseMetadata(this.#bytes.slice(place.metadataStart, place.end));
  }

  /** Where an entry stands; `undefined` when it is not there. */
  find(type: EntryType, key: string): EntryPlace | undefined {
    if (key.length * 3 > SCRATCH_BYTES) {
      const name = encoder.encode(key);
      return this.#findBytes(TYPE_CODE[type], name, name.length);
    }
    return this.#findBytes(TYPE_CODE[type], this.#scratch, encodeInto(key, this.#scratch));
  }

  #findBytes(typeCode: number, key: Uint8Array, length: number): EntryPlace | undefined {
    const { tableOffset, tableSlots, dataEnd } = this.header;
    const view = this.#view;
    const hash = hash32(typeCode, key, 0, length);
    for (let step = 0; step < tableSlots; step++) {
      const at = tableOffset + ((hash + step) & (tableSlots - 1)) * SLOT_BYTES;
      const offset = view.getUint32(at + 4);
      if (offset === 0) return undefined;
      if (view.getUint32(at) !== hash) continue;
      const place = placeEntry(view, offset, dataEnd);
      if (place === undefined || place.typeCode !== typeCode) continue;
      if (place.keyEnd - place.keyStart !== length) continue;
      if (sameBytes(this.#bytes, place.keyStart, key, 0, length)) return place;
    }
  }

  /** Type and key of all entries, in the order of the file. */
  names(type?: EntryType): EntryName[] {
    const names: EntryName[] = [];
    for (const place of entriesInOrder(this.#bytes, this.header.dataEnd)) {
      const placeType = ENTRY_TYPES[place.typeCode]!;
      if (type !== undefined && placeType !== type) continue;
      const key = decoder.decode(this.#bytes.slice(place.keyStart, place.keyEnd));
      names.push({ type: placeType, key });
    }
    return names;
  }
}

/** Writes a key as UTF-8; gives the count of bytes. ASCII takes 13 ns for 24 characters this way, 70 through the encoder. */
function encodeInto(key: string, target: Uint8Array): number {
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    if (code > 127) return encoder.encodeInto(key, target).written;
    target[index] = code;
  }
  return key.length;
}

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** Copies a range. `slice()` takes 700 ns for 2 KB, most of it for memory of its own; a part of a slab 250. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length > SLAB_BYTES / 4) return bytes.slice(start, end);
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const copy = slab.subarray(slabUsed, slabUsed + length);
  slabUsed += length;
  copy.set(bytes.subarray(start, end));
  return copy;
}

function parseMetadata(bytes: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new ShmError("invalid", "Cannot read metadata: it is no JSON", { cause });
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw new ShmError("invalid", "Cannot read metadata: it is no JSON object");
}
