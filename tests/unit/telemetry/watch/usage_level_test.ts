import assert from "node:assert/strict";
import { UsageLevel } from "../../../../lib/telemetry/watch/usage_level.ts";

Deno.test("UsageLevel smooths what it reads", () => {
  const level = new UsageLevel(0.8);
  level.take(0.2);
  assert.equal(level.ratio, 0.2);
  assert.equal(level.take(1), false, "one busy second is not too much");
  assert.ok(level.ratio < 0.3);
});

Deno.test("UsageLevel is over from the threshold on, until clearly below it", () => {
  const level = new UsageLevel(0.8);
  const changes: [at: number, isOver: boolean][] = [];
  const readings = [...Array(30).fill(0.9), ...Array(30).fill(0.78), ...Array(30).fill(0.7)];
  readings.forEach((reading, at) => {
    if (level.take(reading)) changes.push([at, level.isOver]);
  });
  assert.deepEqual(changes.map(([, isOver]) => isOver), [true, false]);
  assert.ok(changes[1][0] >= 60, "0.78 is below the threshold, but not clearly");
});
