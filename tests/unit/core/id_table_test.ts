import assert from "node:assert/strict";
import fc from "fast-check";
import { IdTable } from "../../../lib/core/id_table.ts";
import type { IdKey } from "../../../lib/core/message_id.ts";

Deno.test("IdTable does what a Map does", () => {
  const key: fc.Arbitrary<IdKey> = fc.oneof(
    fc.nat(40),
    fc.integer(),
    fc.integer({ min: 0, max: 50 }).map((n) => n * 65_536),
    fc.constantFrom<IdKey>("a", "b", '"1', "-1", Number.MAX_SAFE_INTEGER, -5),
  );
  const step = fc.record({ key, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [table, map] = [new IdTable<{ n: number }>(), new Map<IdKey, { n: number }>()];
      steps.forEach(({ key, remove }, n) => {
        assert.equal(table.get(key), map.get(key));
        if (remove) assert.equal(table.delete(key), map.delete(key));
        else if (!map.has(key)) {
          const value = { n };
          table.set(key, value);
          map.set(key, value);
        }
        assert.equal(table.size, map.size);
      });
      assert.deepEqual(new Set(table.values()), new Set(map.values()));
      table.clear();
      assert.deepEqual([table.size, table.values()], [0, []]);
      for (const key of map.keys()) assert.equal(table.get(key), undefined);
    }),
    { numRuns: 500 },
  );
});
