import assert from "node:assert/strict";
import { Recent } from "../../../../lib/telemetry/watch/recent.ts";

Deno.test("Recent keeps the latest, newest first", () => {
  const recent = new Recent<number>(3);
  assert.deepEqual(recent.list(), []);
  recent.add(1);
  recent.add(2);
  assert.deepEqual(recent.list(), [2, 1]);
  for (const n of [3, 4, 5]) recent.add(n);
  assert.deepEqual(recent.list(), [5, 4, 3]);
  recent.add(6);
  assert.deepEqual(recent.list(), [6, 5, 4]);
});
