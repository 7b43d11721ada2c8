import assert from "node:assert/strict";
import { type EncodedEntry, encodeEntry, type ExportEntry } from "../../../lib/shm/entry.ts";
import { entriesOfKey, entryJson, inspect, inspectionJson } from "../../../lib/shm/inspect.ts";
import { ENTRY_TYPES } from "../../../lib/shm/layout.ts";
import { buildSnapshot } from "../../../lib/shm/snapshot.ts";
import { encodeAll, variedEntries } from "../../fixtures/shm_scene.ts";

const STAMP = { sequence: 7, generation: 2, publishedMs: 1_000_000, pid: 4242 };
const NOW_MS = 1_002_500;

const FEW: ExportEntry[] = [
  { type: "tool", key: "echo", data: '{"a":1}', metadata: { updatedMs: 1_002_000 } },
  { type: "prompt", key: "echo", data: "p" },
  { type: "resource", key: "file:///x", data: new Uint8Array([255, 0]) },
];

Deno.test("inspect() tells what a snapshot holds", () => {
  const inspection = inspect(buildSnapshot(encodeAll(variedEntries()), STAMP), NOW_MS);
  const { layout, fault, fragmentation, ageMs, entries, header } = inspection;
  assert.deepEqual({ layout, fault, fragmentation, ageMs }, {
    ...{ layout: "extended", fault: undefined, fragmentation: 0, ageMs: 2500 },
  });
  assert.equal(entries.length, variedEntries().length);
  assert.equal(entries.filter(({ indexed }) => indexed).length, header!.indexCount);
});

Deno.test("inspect() tells the age of an entry, its metadata and its data", () => {
  const inspection = inspect(buildSnapshot(encodeAll(FEW), STAMP), NOW_MS);
  assert.deepEqual(inspection.entries.map(({ ageMs }) => ageMs), [500, 2500, 2500]);
  assert.deepEqual(entriesOfKey(inspection, "echo").map(({ type }) => type), ["tool", "prompt"]);
  assert.deepEqual(entriesOfKey(inspection, "prompt:echo").map(({ type }) => type), ["prompt"]);
  assert.deepEqual(entriesOfKey(inspection, "ech"), []);
  const [tool, , resource] = inspection.entries.map(entryJson);
  assert.equal(tool.data, '{"a":1}');
  assert.deepEqual(tool.metadata, { updatedMs: 1_002_000 });
  assert.equal(resource.dataBase64, "/wA=");
  const json = JSON.parse(JSON.stringify(inspectionJson("/x", inspection)));
  assert.deepEqual([json.path, json.entries.length, json.entries[0].dataBytes], ["/x", 3, 7]);
});

Deno.test("inspect() lists what it can of a damaged snapshot, and says where the damage is", () => {
  const bytes = buildSnapshot(encodeAll(FEW), STAMP);
  const second = 1024 + encodeEntry(FEW[0]).bytes.length;
  bytes[second] = 9; // no such type
  const { fault, entries } = inspect(bytes, NOW_MS);
  assert.equal(fault?.offset, second);
  assert.equal(entries.length, 1);
});

Deno.test("inspect() reads the published layout without extension", () => {
  const bytes = plainFile(encodeAll(FEW), 16);
  new DataView(bytes.buffer).setUint32(0, 0x45524c4d);
  new DataView(bytes.buffer).setUint32(4, 0x43503031);
  new DataView(bytes.buffer).setUint32(8, 1);
  const { layout, entries, fault } = inspect(bytes, NOW_MS);
  assert.deepEqual([layout, entries.length, fault], ["published", 3, undefined]);
  assert.equal(entries[1].ageMs, undefined);
});

Deno.test("inspect() recognises the count-first variant, with gaps", () => {
  const bytes = plainFile(encodeAll(FEW), 4, 100);
  const { layout, entries, fragmentation, fault } = inspect(bytes, NOW_MS);
  assert.deepEqual([layout, entries.length, fault], ["count-first", 3, undefined]);
  assert.ok(fragmentation > 0.5 && fragmentation < 1);
  assert.equal(
    inspect(new Uint8Array(4096)).layout,
    "count-first",
    "one without entries is all zeros",
  );
});

Deno.test("inspect() refuses what is no export", () => {
  const bytes = plainFile(encodeAll(FEW), 4);
  bytes[1024] = 2 ^ 4; // the index names a tool there
  for (
    const other of [bytes, new Uint8Array(0), new Uint8Array(500), new Uint8Array(2000).fill(1)]
  ) {
    assert.throws(
      () => inspect(other),
      /^ShmError: Cannot inspect export: it has no ERLMCP01 magic/,
    );
  }
});

/** A file as older writers make it: index at `indexAt` with the count before it, entries with gaps, zeros behind them. */
function plainFile(entries: readonly EncodedEntry[], indexAt: number, gapBytes = 0): Uint8Array {
  const bytes = new Uint8Array(16384);
  const view = new DataView(bytes.buffer);
  view.setUint32(indexAt - 4, entries.length);
  let at = indexAt;
  let offset = 1024;
  for (const entry of entries) {
    const key = new TextEncoder().encode(
      `${ENTRY_TYPES[entry.typeCode]}:${
        new TextDecoder().decode(entry.bytes.slice(3, 3 + entry.keyBytes))
      }`,
    );
    view.setUint16(at, key.length);
    bytes.set(key, at + 2);
    view.setBigUint64(at + 2 + key.length, BigInt(offset));
    view.setUint32(at + 10 + key.length, entry.bytes.length);
    at += 14 + key.length;
    bytes.set(entry.bytes, offset);
    offset += entry.bytes.length + gapBytes;
  }
  return bytes;
}
