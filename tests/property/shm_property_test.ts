import assert from "node:assert/strict";
import fc from "fast-check";
import type { ExportEntry } from "../../lib/shm/entry.ts";
import { ENTRY_TYPES, type EntryType } from "../../lib/shm/layout.ts";
import { entriesInOrder, findPublished } from "../../lib/shm/published.ts";
import { SnapshotView } from "../../lib/shm/reader_view.ts";
import { buildSnapshot } from "../../lib/shm/snapshot.ts";
import { fullFault, quickFault } from "../../lib/shm/verify.ts";
import { encodeAll, variedEntries } from "../fixtures/shm_scene.ts";

const STAMP = { sequence: 1, generation: 1, publishedMs: 1, pid: 1 };

const type = fc.constantFrom(
  ...ENTRY_TYPES.filter((name): name is EntryType => name !== undefined),
);
const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", "\ud800", "\udfff", "é", "😀", "\ufeff", "\0") }),
  fc.integer({ min: 0, max: 2000 }).map((length) => "é".repeat(length)),
);
const data = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc.integer({ min: 0, max: 300_000 }).map((length) => new Uint8Array(length).fill(length)),
);
const metadata = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
const entries: fc.Arbitrary<ExportEntry[]> = fc.uniqueArray(
  fc.record({ type, key, data, metadata }),
  { selector: (entry) => `${entry.type}:${entry.key.toWellFormed()}`, maxLength: 60 },
);

Deno.test("what buildSnapshot() writes is read back whole, by hash, in order and by the published index", () => {
  fc.assert(fc.property(entries, (all) => {
    const bytes = buildSnapshot(encodeAll(all), STAMP);
    assert.equal(fullFault(bytes), undefined);
    const view = new SnapshotView(bytes);
    const names = all.map(({ type, key }) => ({ type, key: key.toWellFormed() }));
    assert.deepEqual(view.names(), names);
    assert.equal([...entriesInOrder(bytes)].length, all.length);
    let indexed = 0;
    for (const entry of all) {
      const found = view.get(entry.type, entry.key)!;
      assert.deepEqual(found.data, entry.data);
      assert.deepEqual(found.metadata, JSON.parse(JSON.stringify(entry.metadata)));
      assert.deepEqual(view.metadata(entry.type, entry.key), found.metadata);
      const place = findPublished(bytes, `${entry.type}:${entry.key}`);
      if (place === undefined) continue;
      indexed++;
      assert.deepEqual(bytes.slice(place.dataStart, place.dataEnd), entry.data);
    }
    assert.equal(indexed, view.header.indexCount);
    assert.equal(view.get("tool", "there is no such key, is there?"), undefined);
  }));
});

Deno.test("both checks find any byte that is changed", () => {
  const bytes = buildSnapshot(encodeAll(variedEntries().slice(0, 6)), STAMP);
  const at = fc.oneof(
    fc.integer({ min: 0, max: 1100 }),
    fc.integer({ min: 0, max: bytes.length - 1 }),
  );
  fc.assert(
    fc.property(at, fc.integer({ min: 1, max: 255 }), (offset, mask) => {
      // Live to superseded is the one change that a snapshot may see.
      fc.pre(!(offset === 1015 && mask === 3));
      const changed = bytes.slice();
      changed[offset] ^= mask;
      assert.notEqual(quickFault(changed), undefined, `quick, ${offset}`);
      const fault = fullFault(changed);
      assert.notEqual(fault, undefined, `full, ${offset}`);
      assert.ok(fault!.offset >= 0 && fault!.offset <= bytes.length && fault!.why.length > 0);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("both checks find a file that is cut, or longer than it says", () => {
  const bytes = buildSnapshot(encodeAll(variedEntries().slice(0, 6)), STAMP);
  fc.assert(fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
    assert.equal(quickFault(bytes.subarray(0, length))?.offset, length, "where the file ends");
    assert.notEqual(fullFault(bytes.subarray(0, length)), undefined);
  }));
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assert.equal(quickFault(longer)?.offset, bytes.length);
});

Deno.test("lookups stay inside the file whatever its data and its table hold", () => {
  const some = variedEntries().slice(0, 6);
  const bytes = buildSnapshot(encodeAll(some), STAMP);
  const garbage = fc.array(
    fc.tuple(fc.integer({ min: 1024, max: bytes.length - 1 }), fc.nat(255)),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(garbage, (changes) => {
      const changed = bytes.slice();
      for (const [offset, value] of changes) changed[offset] = value;
      const view = new SnapshotView(changed);
      for (const { type, key } of some) view.get(type, key);
      view.names();
      const isSame = changed.every((byte, offset) => byte === bytes[offset]);
      assert.equal(fullFault(changed) === undefined, isSame);
    }),
    { examples: [[Array.from({ length: 400 }, (_, i) => [bytes.length - 1 - i, 255])]] },
  );
});
