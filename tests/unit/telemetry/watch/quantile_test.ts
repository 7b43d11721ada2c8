import assert from "node:assert/strict";
import fc from "fast-check";
import { countWithin, quantileOf } from "../../../../lib/telemetry/watch/quantile.ts";

const BOUNDS = [1, 2, 4];

Deno.test("quantileOf() interpolates within the bucket", () => {
  assert.equal(quantileOf(BOUNDS, [0, 10, 0, 0], 0.5), 1.5);
  assert.equal(quantileOf(BOUNDS, [10, 10, 0, 0], 0.5), 1);
  assert.equal(quantileOf(BOUNDS, [0, 0, 0, 0], 0.99), 0);
  assert.equal(quantileOf(BOUNDS, [0, 0, 0, 3], 0.99), 4, "above all bounds: the last one");
});

Deno.test("countWithin() counts whole buckets and a part of the one in question", () => {
  assert.equal(countWithin(BOUNDS, [1, 2, 4, 8], 2), 3);
  assert.equal(countWithin(BOUNDS, [1, 2, 4, 8], 3), 5);
  assert.equal(countWithin(BOUNDS, [1, 2, 4, 8], 100), 7, "what is above all bounds is not within");
});

Deno.test("quantileOf() and countWithin() undo each other", () => {
  const count = fc.integer({ min: 1, max: 100 });
  fc.assert(fc.property(
    fc.tuple(count, count, count),
    fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    (counts, share) => {
      const total = counts[0] + counts[1] + counts[2];
      const value = quantileOf(BOUNDS, [...counts, 0], share);
      assert.ok(Math.abs(countWithin(BOUNDS, [...counts, 0], value) - share * total) < 1e-6);
    },
  ));
});
