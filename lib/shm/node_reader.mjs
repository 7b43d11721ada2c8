/**
 * Reads a Sluice shared-memory export (layout: docs/shm-layout.md) from plain Node 20 or later. One file, no dependencies.
 *
 * Each snapshot is read whole, checked and kept, so a lookup is a matter of memory; the path is looked at every 100 ms.
 *
 * @module
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import * as zlib from "node:zlib";

/** @typedef {"resource" | "tool" | "prompt" | "capability"} EntryType */
/** @typedef {{ data: Uint8Array, metadata: Record<string, unknown> }} Entry what `get` gives; the bytes are a copy */
/** @typedef {{ type: EntryType, start: number, end: number, keyStart: number, keyEnd: number, dataStart: number, dataEnd: number, metadataStart: number }} Place */
/** @typedef {{ fd: number, stats: import("node:fs").Stats, bytes: Buffer }} Snapshot */
/**
 * @typedef {object} Info
 * @property {string} path
 * @property {string | undefined} problem why nothing can be read; `undefined` when all is well
 * @property {number | undefined} sequence number of the snapshot
 * @property {number | undefined} generation number of the writer
 * @property {number} entries
 * @property {number} bytes of the file
 * @property {number | undefined} publishedMs Unix time in ms
 * @property {number | undefined} ageMs since it was published; more than 10,000: its writer is dead
 * @property {number | undefined} writerPid
 */
/**
 * @typedef {object} SharedExport
 * @property {(type: EntryType, key: string) => Entry | undefined} get one entry; `undefined` is a miss
 * @property {(type?: EntryType) => string[]} keys keys of a type, or all keys as `type:key`
 * @property {() => Info} info looks at the path, then tells what there is
 * @property {() => void} close ends it; every lookup is a miss from then on
 */

/** @type {readonly (EntryType | undefined)[]} */
const TYPES = [undefined, "resource", "tool", "prompt", "capability"];
const DATA_START = 1024;
const STATE = 1012;
const LIVE = 1;
const BYTES_MAX = 10 * 1024 * 1024;
const CHECK_INTERVAL_MS = 100;
const OPEN_TRIES = 4;
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Opens an export. Never throws because of the file: see `info().problem`.
 *
 * @param {string} [path]
 * @param {{ checkIntervalMs?: number, bytesMax?: number }} [options] least time between two looks at the path (100), largest file taken (10 MiB)
 * @returns {SharedExport}
 */
export function openExport(path = "/dev/shm/sluice_export.bin", options = {}) {
  const { checkIntervalMs = CHECK_INTERVAL_MS, bytesMax = BYTES_MAX } = options;
  /** @type {Snapshot | undefined} */
  let held;
  /** @type {string | undefined} */
  let problem;
  let checkedAtMs = -Infinity;
  let closed = false;

  /** @param {string} [why] */
  const drop = (why) => {
    if (held !== undefined) closeSync(held.fd);
    held = undefined;
    problem = why;
  };
  const check = () => {
    checkedAtMs = performance.now();
    if (held !== undefined && stands(path, held)) return;
    drop();
    try {
      held = openNewest(path, bytesMax);
    } catch (thrown) {
      problem = thrown instanceof Error ? thrown.message : String(thrown);
    }
  };
  const current = () => {
    if (!closed && performance.now() - checkedAtMs >= checkIntervalMs) check();
    return held;
  };

  return {
    get(type, key) {
      const bytes = current()?.bytes;
      return bytes === undefined ? undefined : getEntry(bytes, type, key);
    },
    keys(type) {
      const bytes = current()?.bytes;
      if (bytes === undefined) return [];
      const places = [...placesOf(bytes)].filter((place) =>
        type === undefined || place.type === type
      );
      return places.map((place) => {
        const key = bytes.toString("utf8", place.keyStart, place.keyEnd);
        return type === undefined ? `${place.type}:${key}` : key;
      });
    },
    info() {
      if (!closed) check();
      return infoOf(path, problem, held?.bytes);
    },
    close() {
      closed = true;
      drop("Cannot read export: the reader is closed");
    },
  };
}

/**
 * @param {string} path
 * @param {string | undefined} problem
 * @param {Buffer | undefined} bytes
 * @returns {Info}
 */
function infoOf(path, problem, bytes) {
  const publishedMs = bytes && Number(bytes.readBigUInt64BE(1000));
  return {
    path,
    problem,
    sequence: bytes && Number(bytes.readBigUInt64BE(968)),
    generation: bytes && Number(bytes.readBigUInt64BE(976)),
    entries: bytes?.readUInt32BE(996) ?? 0,
    bytes: bytes?.length ?? 0,
    publishedMs,
    ageMs: publishedMs === undefined ? undefined : Date.now() - publishedMs,
    writerPid: bytes?.readUInt32BE(1008),
  };
}

/**
 * Opens what stands at the path; when that is replaced meanwhile, the next one.
 *
 * @param {string} path
 * @param {number} bytesMax
 * @returns {Snapshot}
 */
function openNewest(path, bytesMax) {
  for (let tries = 1;; tries++) {
    const snapshot = openSnapshot(path, bytesMax);
    const isThere = stands(path, snapshot);
    const isLive = snapshot.bytes.readUInt32BE(STATE) === LIVE;
    if (isLive || (!isThere && tries === OPEN_TRIES)) return snapshot;
    closeSync(snapshot.fd);
    if (isThere) throw new Error(`Cannot read ${path}: its writer has withdrawn it`);
  }
}

/**
 * @param {string} path
 * @param {number} bytesMax
 * @returns {Snapshot}
 */
function openSnapshot(path, bytesMax) {
  const fd = openSync(path, OPEN_FLAGS);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error(`Cannot read ${path}: it is no regular file`);
    if (stats.size < DATA_START || stats.size > bytesMax) {
      throw new Error(`Cannot read ${path}: it has ${stats.size} bytes`);
    }
    // Memory of its own: a part of Node's pool would keep the pool.
    const bytes = Buffer.alloc(stats.size);
    for (let done = 0, count = 1; count > 0 && done < bytes.length; done += count) {
      count = readSync(fd, bytes, done, bytes.length - done, done);
    }
    const fault = faultOf(bytes);
    if (fault !== undefined) throw new Error(`Cannot read ${path}: ${fault}`);
    return { fd, stats: fstatSync(fd), bytes };
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

/**
 * @param {string} path
 * @param {Snapshot} snapshot
 */
function stands(path, { stats }) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.ino === stats.ino && found.dev === stats.dev &&
    found.size === stats.size && found.mtimeMs === stats.mtimeMs;
}

/**
 * What is wrong with a file; `undefined` when it may be used.
 *
 * @param {Buffer} bytes at least the header
 */
function faultOf(bytes) {
  const u32 = (/** @type {number} */ offset) => bytes.readUInt32BE(offset);
  const [tableOffset, slots, dataEnd, entries, state] = [984, 988, 992, 996, STATE].map(u32);
  if (bytes.toString("latin1", 0, 8) !== "ERLMCP01" || u32(8) !== 1) return "it is no export";
  if (bytes.toString("latin1", 960, 964) !== "ERLX" || u32(964) !== 1) return "it has no extension";
  const isTableGood = tableOffset % 16 === 0 && tableOffset > dataEnd && slots >= 2 &&
    Number.isInteger(Math.log2(slots)) && slots >= 2 * entries;
  const isWhole = bytes.length === tableOffset + 16 * slots && dataEnd >= DATA_START;
  if (!isTableGood || !isWhole) return "its header contradicts itself or its size";
  if ((state !== LIVE && state !== 2) || u32(1020) !== 0) return "its state is unknown";
  const sum = crc32(bytes.subarray(DATA_START), crc32(bytes.subarray(0, STATE), 0));
  if (sum !== u32(1016)) return "its sum is wrong";
}

/**
 * @param {Buffer} bytes
 * @param {EntryType} type
 * @param {string} key
 * @returns {Entry | undefined}
 */
function getEntry(bytes, type, key) {
  const place = find(bytes, TYPES.indexOf(type), key);
  if (place === undefined) return undefined;
  const metadata = JSON.parse(bytes.toString("utf8", place.metadataStart, place.end));
  return { data: new Uint8Array(bytes.subarray(place.dataStart, place.dataEnd)), metadata };
}

/**
 * @param {Buffer} bytes
 * @param {number} typeCode
 * @param {string} key
 * @returns {Place | undefined}
 */
function find(bytes, typeCode, key) {
  if (typeCode < 1) return undefined;
  const name = Buffer.from(key, "utf8");
  let hash = Math.imul(0x811c9dc5 ^ typeCode, 0x01000193);
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name[at], 0x01000193);
  hash >>>= 0;
  const table = bytes.readUInt32BE(984);
  const slots = bytes.readUInt32BE(988);
  for (let step = 0; step < slots; step++) {
    const slot = table + ((hash + step) & (slots - 1)) * 16;
    const offset = bytes.readUInt32BE(slot + 4);
    if (offset === 0) return undefined;
    if (bytes.readUInt32BE(slot) !== hash) continue;
    const place = placeAt(bytes, offset);
    if (place === undefined || place.type !== TYPES[typeCode]) continue;
    if (name.compare(bytes, place.keyStart, place.keyEnd) === 0) return place;
  }
}

/**
 * @param {Buffer} bytes
 * @returns {Generator<Place>}
 */
function* placesOf(bytes) {
  let place = placeAt(bytes, DATA_START);
  while (place !== undefined) {
    yield place;
    place = placeAt(bytes, place.end);
  }
}

/**
 * The parts of the entry at an offset; `undefined` when there is no whole one.
 *
 * @param {Buffer} bytes
 * @param {number} start
 * @returns {Place | undefined}
 */
function placeAt(bytes, start) {
  const limit = bytes.readUInt32BE(992);
  if (start < DATA_START || start + 11 > limit) return undefined;
  const type = TYPES[bytes[start]];
  const keyStart = start + 3;
  const keyEnd = keyStart + bytes.readUInt16BE(start + 1);
  if (type === undefined || keyEnd + 8 > limit) return undefined;
  const dataStart = keyEnd + 4;
  const dataEnd = dataStart + bytes.readUInt32BE(keyEnd);
  if (dataEnd + 4 > limit) return undefined;
  const metadataStart = dataEnd + 4;
  const end = metadataStart + bytes.readUInt32BE(dataEnd);
  if (end > limit) return undefined;
  return { type, start, end, keyStart, keyEnd, dataStart, dataEnd, metadataStart };
}

/** @type {Uint32Array | undefined} */
let crcTable;

/**
 * CRC-32 of zlib; Node has it since 20.15, earlier ones take a table.
 *
 * @param {Uint8Array} bytes
 * @param {number} before sum of what comes before
 */
function crc32(bytes, before) {
  // Asked by name: a bundler must not insist that it is there.
  const native = /** @type {Record<string, unknown>} */ (zlib)["crc32"];
  if (typeof native === "function") return native(bytes, before) >>> 0;
  crcTable ??= Uint32Array.from({ length: 256 }, (_, value) => {
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? value >>> 1 ^ 0xedb88320 : value >>> 1;
    return value;
  });
  let sum = ~before;
  for (const byte of bytes) sum = sum >>> 8 ^ crcTable[(sum ^ byte) & 255];
  return ~sum >>> 0;
}
