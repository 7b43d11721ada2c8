import assert from "node:assert/strict";
import { healthScore } from "../../../../lib/upstream/pool/health_score.ts";

Deno.test("healthScore() weighs latency by 0.5, errors by 0.3 and age by 0.2", () => {
  assert.equal(healthScore(0, 0, 60_000), 1);
  assert.equal(healthScore(50_000, 0, 60_000), 0.5);
  assert.equal(healthScore(0, 1, 60_000), 0.7);
  assert.equal(healthScore(0, 0, 0), 0.8);
  assert.equal(healthScore(25_000, 0.5, 30_000), 0.25 + 0.15 + 0.1);
});

Deno.test("healthScore() stays within 0 and 1", () => {
  assert.equal(healthScore(1e9, 1, 0), 0);
  assert.equal(healthScore(0, 0, 1e12), 1);
});
