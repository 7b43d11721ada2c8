import assert from "node:assert/strict";
import { MemberStats } from "../../../../lib/upstream/pool/member_stats.ts";
import {
  describe,
  FEATURES,
  LatencyModel,
  toolBucket,
} from "../../../../lib/upstream/balancers/latency_model.ts";

const LIGHT = toolBucket("light"), HEAVY = toolBucket("heavy");

function features(pending = 0, workMs = 0): Float64Array {
  const stats = new MemberStats(0, 0);
  stats.pending = pending;
  const row = new Float64Array(FEATURES);
  describe(stats, workMs, 0, row, 0);
  return row;
}

const expectedMs = (model: LatencyModel, member: number, tool: number, row = features()) =>
  Math.exp(model.expect(member, tool, row, 0, 0));

Deno.test("learn() tells a slow member from one that has the slow tools", () => {
  const model = new LatencyModel();
  for (let i = 0; i < 3000; i++) {
    // Member 0 is twice as fast, and gets nine heavy calls in ten; member 1 one in ten.
    for (const member of [0, 1]) {
      const isHeavy = (i % 10 !== 0) === (member === 0);
      const ms = (isHeavy ? 200 : 10) * (member === 0 ? 1 : 2);
      model.learn(member, isHeavy ? HEAVY : LIGHT, features(), 0, ms, 0);
    }
  }
  for (const [tool, ms] of [[LIGHT, 10], [HEAVY, 200]]) {
    for (const member of [0, 1]) {
      const expected = expectedMs(model, member, tool), wanted = ms * (member + 1);
      assert.ok(Math.abs(expected / wanted - 1) < 0.15, `${expected} ms for ${wanted} ms`);
    }
  }
});

Deno.test("learn() finds out how much company costs", () => {
  const model = new LatencyModel();
  for (let i = 0; i < 5000; i++) {
    const pending = 1 + i % 8;
    const row = features(pending, 10 * pending);
    model.learn(0, LIGHT, row, 0, 10 + 10 * pending, 0); // one call at a time
    model.learn(1, LIGHT, row, 0, 10, 0); // all at once
  }
  const crowded = features(8, 80);
  assert.ok(expectedMs(model, 0, LIGHT, crowded) > 60);
  assert.ok(expectedMs(model, 1, LIGHT, crowded) < 30);
});

Deno.test("expect() grows with the work in hand", () => {
  const model = new LatencyModel();
  const expected = [0, 1, 4, 16].map((pending) =>
    expectedMs(model, 0, LIGHT, features(pending, 10 * pending))
  );
  assert.deepEqual(expected, expected.toSorted((a, b) => a - b));
});

Deno.test("expect() hopes for a member that has been silent", () => {
  const model = new LatencyModel();
  for (let i = 0; i < 100; i++) model.learn(0, LIGHT, features(), 0, 1000, 0);
  const at = (nowMs: number) => model.expect(0, LIGHT, features(), 0, nowMs);
  assert.ok(at(60_000) < at(0) - 1.9);
});

Deno.test("learn() is thrown off course by no single answer", () => {
  const model = new LatencyModel();
  for (let i = 0; i < 500; i++) model.learn(0, LIGHT, features(), 0, 10, 0);
  model.learn(0, LIGHT, features(), 0, 1e9, 0);
  model.learn(0, LIGHT, features(), 0, 0, 0);
  const expected = expectedMs(model, 0, LIGHT);
  assert.ok(expected > 5 && expected < 20, `${expected} ms`);
});

Deno.test("toolBucket() stays within 64 buckets", () => {
  for (let i = 0; i < 1000; i++) {
    const bucket = toolBucket(`tool ${i}`);
    assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < 64);
  }
});
