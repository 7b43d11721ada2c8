import assert from "node:assert/strict";
import fc from "fast-check";
import { adapt, AdaptiveBatching, BATCHING, FixedBatching } from "../../../lib/framing/batcher.ts";

const SET = { countMax: 100, bytesMax: 65_536, delayMs: 10 };

Deno.test("adapt() follows the depth of the queue at each of its edges", () => {
  const countAt = (depth: number) => adapt(SET, depth).countMax;
  assert.deepEqual([9, 10, 500, 501, 1000, 1001].map(countAt), [50, 100, 100, 150, 150, 200]);
  const delayAt = (depth: number) => adapt(SET, depth).delayMs;
  assert.deepEqual([0, 9, 10, 1000, 1001].map(delayAt), [10, 10, 5, 5, 1]);
});

Deno.test("adapt() is bounded above and below, and derives the delay from what was set", () => {
  let limits = SET;
  for (let i = 0; i < 20; i++) limits = adapt(limits, 5000, SET);
  assert.deepEqual(limits, { countMax: 1600, bytesMax: 16 * 65_536, delayMs: 1 });
  for (let i = 0; i < 20; i++) limits = adapt(limits, 0, SET);
  assert.deepEqual(limits, { countMax: 10, bytesMax: 65_536, delayMs: 10 });
  assert.equal(adapt(BATCHING.http, 0).countMax, 1);
});

Deno.test("adapt() returns to what was set after a quiet time and after a deep queue", () => {
  for (const depth of [0, 5000]) {
    let limits = SET;
    for (let i = 0; i < 20; i++) limits = adapt(limits, depth, SET);
    assert.deepEqual(adapt(limits, 100, SET), { countMax: 100, bytesMax: 65_536, delayMs: 5 });
  }
});

Deno.test("adapt() keeps its bounds for any history", () => {
  fc.assert(fc.property(fc.array(fc.nat(3000)), (depths) => {
    let limits = SET;
    for (const depth of depths) {
      limits = adapt(limits, depth, SET);
      assert.ok(limits.countMax >= 10 && limits.countMax <= 1600);
      assert.ok(Number.isInteger(limits.countMax) && Number.isInteger(limits.bytesMax));
      assert.ok(limits.delayMs >= 1 && limits.delayMs <= 10);
    }
  }));
});

Deno.test("FixedBatching waits no longer than is left since the last flush, and never when idle", () => {
  const batching = new FixedBatching(SET);
  assert.deepEqual([0, 4, 10, 11, Infinity].map((ms) => batching.delayFor(1, ms)), [
    10,
    6,
    0,
    0,
    0,
  ]);
});

Deno.test("AdaptiveBatching never holds messages that come one by one", () => {
  const batching = new AdaptiveBatching(SET);
  for (let i = 0; i < 1000; i++) {
    assert.equal(batching.delayFor(1, 0.05), 0);
    batching.flushed(1, 0);
  }
});

Deno.test("AdaptiveBatching tries to wait for company, ever more rarely when none comes", () => {
  const batching = new AdaptiveBatching(SET);
  batching.flushed(20, 0);
  const gaps: number[] = [];
  for (let flushes = 0, since = 0; flushes < 1000; flushes++) {
    const isHeld = batching.delayFor(20, 0) > 0;
    batching.flushed(20, isHeld ? 20 : 0);
    if (!isHeld) since++;
    else {
      gaps.push(since);
      since = 0;
    }
  }
  assert.deepEqual(gaps, [0, 64, 128, 256, 512]);
});

Deno.test("AdaptiveBatching goes on waiting where company comes", () => {
  const batching = new AdaptiveBatching(SET);
  batching.flushed(20, 0);
  for (let i = 0; i < 100; i++) {
    assert.equal(batching.delayFor(20, 1), 4);
    batching.flushed(40, 20);
  }
});
