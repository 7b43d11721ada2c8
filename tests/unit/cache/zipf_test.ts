import assert from "node:assert/strict";
import { zipfShares } from "../../fixtures/cache_zipf.ts";

Deno.test("ResponseCache answers 99 % of 100,000 Zipf reads a second from memory, all but 0.1 % with an export", async () => {
  const { l1, l2, upstream } = await zipfShares(100_000, true);
  assert.ok(l1 >= 0.99, `l1 ${l1}`);
  assert.ok(upstream <= 0.001, `upstream ${upstream}`);
  assert.ok(Math.abs(l1 + l2 + upstream - 1) < 1e-9);
});
