import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { encodeEntry, type ExportEntry } from "../../../lib/shm/entry.ts";
import { ShmError } from "../../../lib/shm/errors.ts";
import { hash32, snapshotCrc } from "../../../lib/shm/layout.ts";
import { entriesInOrder, findPublished } from "../../../lib/shm/published.ts";
import { SnapshotView } from "../../../lib/shm/reader_view.ts";
import { buildSnapshot } from "../../../lib/shm/snapshot.ts";
import { fullFault } from "../../../lib/shm/verify.ts";
import { encodeAll, variedEntries } from "../../fixtures/shm_scene.ts";

const STAMP = { sequence: 7, generation: 2, publishedMs: 0x123_4567_89ab, pid: 4242 };

Deno.test("hash32() and snapshotCrc() give the sums that the layout's document names", () => {
  assert.equal(hash32(2, new TextEncoder().encode("echo")), 677854980);
  const bytes = new Uint8Array(2048).map((_, index) => index);
  const covered = new Uint8Array([...bytes.subarray(0, 1012), ...bytes.subarray(1024)]);
  assert.equal(snapshotCrc(bytes), crc32(covered));
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

Deno.test("buildSnapshot() puts every field where the layout's document says", () => {
  const entry = encodeEntry({ type: "tool", key: "ab", data: "xyz", metadata: {} });
  const bytes = buildSnapshot([entry], STAMP);
  const text = (start: number, end: number) => new TextDecoder().decode(bytes.slice(start, end));
  const hex = (start: number, end: number) => bytes.slice(start, end).toHex();
  assert.equal(text(0, 8), "ERLMCP01");
  assert.equal(hex(8, 16), "00000001" + "00000001");
  assert.equal(hex(16, 18), "0007");
  assert.equal(text(18, 25), "tool:ab");
  assert.equal(hex(25, 37), "0000000000000400" + "00000012");
  assert.equal(hex(37, 960), "00".repeat(923));
  assert.equal(text(960, 964), "ERLX");
  assert.equal(hex(964, 968), "00000001");
  assert.equal(hex(968, 984), "0000000000000007" + "0000000000000002");
  assert.equal(hex(984, 1000), "00000420" + "00000002" + "00000412" + "00000001");
  assert.equal(hex(1000, 1016), "00000123456789ab" + "00001092" + "00000001");
  assert.equal(hex(1020, 1024), "00000000");
  assert.equal(
    hex(1024, 1042),
    "02" + "0002" + "6162" + "00000003" + "78797a" + "00000002" + "7b7d",
  );
  assert.equal(hex(1042, 1056), "00".repeat(14), "the 0 byte, and up to a multiple of 16");
  const hash = hash32(2, new TextEncoder().encode("ab"));
  const slot = hash.toString(16).padStart(8, "0") + "00000400" + "00000012" + "02000002";
  const empty = "00".repeat(16);
  assert.equal(hex(1056, 1088), hash % 2 === 0 ? slot + empty : empty + slot);
  assert.equal(bytes.length, 1088);
});

Deno.test("buildSnapshot() without entries makes a whole file in which nothing is found", () => {
  const bytes = buildSnapshot([], STAMP);
  assert.equal(fullFault(bytes), undefined);
  assert.deepEqual(new SnapshotView(bytes).names(), []);
  assert.equal(new SnapshotView(bytes).get("tool", "echo"), undefined);
});

Deno.test("buildSnapshot() lists the hottest entries that fit in the published index, and all in the data", () => {
  const entries = variedEntries();
  const bytes = buildSnapshot(encodeAll(entries), STAMP);
  assert.equal(fullFault(bytes), undefined);
  assert.equal([...entriesInOrder(bytes)].length, entries.length, "the walk ends at the 0 byte");
  const listed = entries.filter(({ type, key }) => findPublished(bytes, `${type}:${key}`));
  assert.equal(listed.length, new SnapshotView(bytes).header.indexCount);
  assert.ok(listed.length > 20 && listed.length < entries.length, `${listed.length}`);
  assert.ok(listed.every(({ key }) => key.length < 900), "a key that does not fit is left out");
  const short = entries.filter(({ key }) => key.length < 900);
  assert.deepEqual(listed, short.slice(0, listed.length), "the first ones are the hottest");
});

Deno.test("buildSnapshot() fills the file up to its limit, and refuses one byte more", () => {
  const of = (dataBytes: number): ExportEntry => {
    return { type: "resource", key: "r", data: new Uint8Array(dataBytes), metadata: {} };
  };
  const limit = 64 * 1024;
  // Header, entry, the 0 byte, two slots; a multiple of 16 altogether.
  const most = limit - 1024 - (11 + 1 + 2) - 1 - 32;
  assert.equal(buildSnapshot([encodeEntry(of(most))], STAMP, limit).length, limit);
  const isFull = (thrown: unknown) => thrown instanceof ShmError && thrown.failure === "full";
  assert.throws(() => buildSnapshot([encodeEntry(of(most + 1))], STAMP, limit), isFull);
});

Deno.test("buildSnapshot() refuses an entry that is there twice", () => {
  const twice = encodeAll([
    { type: "tool", key: "a", data: "1" },
    { type: "prompt", key: "a", data: "2" },
    { type: "tool", key: "a", data: "3" },
  ]);
  assert.throws(() => buildSnapshot(twice, STAMP), /tool a is there twice/);
  assert.equal(fullFault(buildSnapshot(twice.slice(0, 2), STAMP)), undefined);
});

Deno.test("encodeEntry() takes the longest key that a u16 can tell, and refuses a longer one", () => {
  const longest = encodeEntry({ type: "tool", key: "k".repeat(65535), data: "" });
  const view = new SnapshotView(buildSnapshot([longest], STAMP));
  assert.ok(view.get("tool", "k".repeat(65535)));
  assert.equal(view.get("tool", "k".repeat(65534)), undefined);
  const tooLong: ExportEntry = { type: "tool", key: "ä".repeat(32768), data: "" };
  assert.throws(() => encodeEntry(tooLong), /65536 bytes, at most 65535 fit/);
});
