import assert from "node:assert/strict";
import { poolSize } from "../../../../lib/upstream/pool/pool_size.ts";

const BOUNDS = { min: 2, max: 20 };

Deno.test("poolSize() adds 5 above 0.8, takes 2 below 0.3, and leaves the rest", () => {
  assert.equal(poolSize(10, 0.81, BOUNDS), 15);
  assert.equal(poolSize(10, 0.8, BOUNDS), 10);
  assert.equal(poolSize(10, 0.3, BOUNDS), 10);
  assert.equal(poolSize(10, 0.29, BOUNDS), 8);
});

Deno.test("poolSize() stays within its bounds", () => {
  assert.equal(poolSize(18, 5, BOUNDS), 20);
  assert.equal(poolSize(20, 1, BOUNDS), 20);
  assert.equal(poolSize(3, 0, BOUNDS), 2);
  assert.equal(poolSize(0, 0.5, BOUNDS), 2);
});
