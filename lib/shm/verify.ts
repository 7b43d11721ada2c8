/**
 * Is a file a whole snapshot? The quick check is what every reader does before it trusts a file; the full one also follows
 * the data, the published index and the hash table.
 *
 * @module
 */
import { type EntryPlace, placeEntry } from "./entry.ts";
import {
  EXTENSION_MAGIC,
  EXTENSION_VERSION,
  hash32,
  MAGIC,
  numbersOf,
  OFFSET,
  readU64,
  SLOT_BYTES,
  snapshotCrc,
  STATE_LIVE,
  STATE_SUPERSEDED,
  VERSION,
} from "./layout.ts";
import { checkIndex, type Fault } from "./published.ts";

/** The numbers in a snapshot's header. */
export interface SnapshotHeader {
  /** Elements of the published index. */
  readonly indexCount: number;
  readonly sequence: number;
  readonly generation: number;
  readonly tableOffset: number;
  readonly tableSlots: number;
  /** Offset of the 0 byte after the last entry. */
  readonly dataEnd: number;
  /** Entries altogether. */
  readonly entryCount: number;
  /** Unix time in ms. */
  readonly publishedMs: number;
  readonly writerPid: number;
  readonly superseded: boolean;
}

/** Reads the header of a file of at least 1024 bytes; believes everything. */
export function readHeader(bytes: Uint8Array): SnapshotHeader {
  const view = numbersOf(bytes);
  return {
    indexCount: view.getUint32(OFFSET.indexCount),
    sequence: readU64(view, OFFSET.sequence),
    generation: readU64(view, OFFSET.generation),
    tableOffset: view.getUint32(OFFSET.tableOffset),
    tableSlots: view.getUint32(OFFSET.tableSlots),
    dataEnd: view.getUint32(OFFSET.dataEnd),
    entryCount: view.getUint32(OFFSET.entryCount),
    publishedMs: readU64(view, OFFSET.publishedMs),
    writerPid: view.getUint32(OFFSET.writerPid),
    superseded: view.getUint32(OFFSET.state) === STATE_SUPERSEDED,
  };
}

/** Does the file begin as the published layout does? */
export function hasMagic(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const view = numbersOf(bytes);
  return view.getUint32(0) === MAGIC[0] && view.getUint32(4) === MAGIC[1];
}

/** Does the header hold the extension block? */
export function hasExtension(bytes: Uint8Array): boolean {
  return bytes.length >= OFFSET.data &&
    numbersOf(bytes).getUint32(OFFSET.extensionMagic) === EXTENSION_MAGIC;
}

/**
 * The quick check: magic, versions, bounds, length and sum. Costs one pass of CRC-32 over the file.
 *
 * @returns the first thing found wrong, `undefined` when a reader may use the file
 */
export function quickFault(bytes: Uint8Array): Fault | undefined {
  const fault = headerFault(bytes);
  if (fault !== undefined) return fault;
  return crcFault(bytes);
}

/** The full check: the quick one, and order of the entries, published index and hash table. */
export function fullFault(bytes: Uint8Array): Fault | undefined {
  const fault = headerFault(bytes);
  if (fault !== undefined) return fault;
  const header = readHeader(bytes);
  const view = numbersOf(bytes);
  const places: EntryPlace[] = [];
  return dataFault(bytes, view, header, places) ??
    checkIndex(bytes, OFFSET.index, header.indexCount, OFFSET.extensionMagic, header.dataEnd) ??
    tableFault(bytes, view, header, places) ??
    crcFault(bytes);
}

function headerFault(bytes: Uint8Array): Fault | undefined {
  if (bytes.length < OFFSET.data) {
    return { offset: bytes.length, why: `the file ends here, the header has ${OFFSET.data} bytes` };
  }
  const view = numbersOf(bytes);
  const expect = (offset: number, value: number, name: string): Fault | undefined => {
    const found = view.getUint32(offset);
    return found === value ? undefined : { offset, why: `${name} is ${found}, not ${value}` };
  };
  if (!hasMagic(bytes)) return { offset: OFFSET.magic, why: "the magic is not ERLMCP01" };
  if (!hasExtension(bytes)) {
    return { offset: OFFSET.extensionMagic, why: "the extension's magic is not ERLX" };
  }
  return expect(OFFSET.version, VERSION, "the version") ??
    expect(OFFSET.extensionVersion, EXTENSION_VERSION, "the extension's version") ??
    boundsFault(bytes, readHeader(bytes)) ??
    stateFault(view) ??
    expect(OFFSET.reserved, 0, "a reserved field");
}

function boundsFault(bytes: Uint8Array, header: SnapshotHeader): Fault | undefined {
  const { tableOffset, tableSlots, dataEnd, entryCount } = header;
  if (tableOffset % SLOT_BYTES !== 0 || tableOffset <= dataEnd) {
    const why = `the hash table stands at ${tableOffset}, the data end at ${dataEnd}`;
    return { offset: OFFSET.tableOffset, why };
  }
  const isPowerOfTwo = tableSlots > 1 && Number.isInteger(Math.log2(tableSlots));
  if (!isPowerOfTwo || tableSlots < 2 * entryCount) {
    const why = `the hash table has ${tableSlots} slots for ${entryCount} entries`;
    return { offset: OFFSET.tableSlots, why };
  }
  const fileBytes = tableOffset + tableSlots * SLOT_BYTES;
  if (bytes.length !== fileBytes) {
    const offset = Math.min(bytes.length, fileBytes);
    return { offset, why: `the file has ${bytes.length} bytes, its header says ${fileBytes}` };
  }
  if (dataEnd < OFFSET.data) {
    return { offset: OFFSET.dataEnd, why: `the data end at ${dataEnd}, inside the header` };
  }
}

function stateFault(view: DataView): Fault | undefined {
  const state = view.getUint32(OFFSET.state);
  if (state === STATE_LIVE || state === STATE_SUPERSEDED) return undefined;
  return { offset: OFFSET.state, why: `the state is ${state}, neither live nor superseded` };
}

function crcFault(bytes: Uint8Array): Fault | undefined {
  const told = numbersOf(bytes).getUint32(OFFSET.crc);
  const found = snapshotCrc(bytes);
  if (told === found) return undefined;
  return {
    offset: OFFSET.crc,
    why: `the crc32 is ${hex(told)}, that of the content ${hex(found)}`,
  };
}

function dataFault(
  bytes: Uint8Array,
  view: DataView,
  { dataEnd, entryCount, tableOffset }: SnapshotHeader,
  places: EntryPlace[],
): Fault | undefined {
  let offset: number = OFFSET.data;
  while (offset < dataEnd) {
    const place = placeEntry(view, offset, dataEnd);
    if (place === undefined) return { offset, why: "there is no whole entry here" };
    places.push(place);
    offset = place.end;
  }
  if (places.length !== entryCount) {
    const why = `the data hold ${places.length} entries, the header says ${entryCount}`;
    return { offset: OFFSET.entryCount, why };
  }
  return notZero(bytes, dataEnd, tableOffset);
}

function notZero(bytes: Uint8Array, start: number, end: number): Fault | undefined {
  for (let offset = start; offset < end; offset++) {
    if (bytes[offset] !== 0) return { offset, why: `the byte is ${bytes[offset]}, not 0` };
  }
}

/** Every entry must be found from its hash, and nothing else may stand in the table. */
function tableFault(
  bytes: Uint8Array,
  view: DataView,
  { tableOffset, tableSlots, entryCount }: SnapshotHeader,
  places: readonly EntryPlace[],
): Fault | undefined {
  for (const place of places) {
    const fault = slotFault(bytes, view, tableOffset, tableSlots, place);
    if (fault !== undefined) return fault;
  }
  const starts = new Set(places.map((place) => place.offset));
  let taken = 0;
  for (let slot = 0; slot < tableSlots; slot++) {
    const at = tableOffset + slot * SLOT_BYTES;
    const offset = view.getUint32(at + 4);
    if (offset === 0) {
      const fault = notZero(bytes, at, at + SLOT_BYTES);
      if (fault !== undefined) return fault;
      continue;
    }
    taken++;
    if (!starts.has(offset)) return { offset: at + 4, why: `no entry begins at ${offset}` };
  }
  if (taken !== entryCount) {
    return { offset: tableOffset, why: `${taken} slots are taken by ${entryCount} entries` };
  }
}

function slotFault(
  bytes: Uint8Array,
  view: DataView,
  tableOffset: number,
  tableSlots: number,
  place: EntryPlace,
): Fault | undefined {
  const hash = hash32(place.typeCode, bytes, place.keyStart, place.keyEnd);
  let at = tableOffset;
  for (let step = 0; step < tableSlots; step++) {
    at = tableOffset + ((hash + step) & (tableSlots - 1)) * SLOT_BYTES;
    const offset = view.getUint32(at + 4);
    if (offset === 0) break;
    if (offset !== place.offset) continue;
    const expected = [hash, offset, place.end - place.offset];
    const wrong = expected.findIndex((value, index) => view.getUint32(at + 4 * index) !== value);
    if (wrong >= 0) return { offset: at + 4 * wrong, why: `not that of the entry at ${offset}` };
    const typeAndKey = place.typeCode * 0x1000000 + place.keyEnd - place.keyStart;
    if (view.getUint32(at + 12) === typeAndKey) return undefined;
    return { offset: at + 12, why: `not type and key length of the entry at ${offset}` };
  }
  return { offset: at, why: `the entry at ${place.offset} is not found from its hash` };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
