import assert from "node:assert/strict";
import { HealthMeter } from "../../../lib/upstream/health.ts";

/** A meter after so many failures among 1000. */
function after(...failures: number[]) {
  const meter = new HealthMeter(60_000);
  let nowMs = 0;
  const seen: string[] = [];
  for (const failed of failures) {
    nowMs += 120_000; // what was before is out of the window
    meter.health(nowMs);
    for (let i = 0; i < 1000; i++) meter.note(i < failed, nowMs);
    seen.push(meter.health(nowMs));
  }
  return seen;
}

Deno.test("HealthMeter knows nothing before the first outcome", () => {
  assert.equal(new HealthMeter(60_000).health(1), "unknown");
});

Deno.test("HealthMeter calls 5 % failures degraded and more than 10 % unhealthy", () => {
  assert.deepEqual([after(49), after(50), after(100), after(101)].flat(), [
    "healthy",
    "degraded",
    "degraded",
    "unhealthy",
  ]);
});

Deno.test("HealthMeter does not flicker at a border", () => {
  assert.deepEqual(after(50, 45, 39), ["degraded", "degraded", "healthy"]);
  assert.deepEqual(after(101, 90, 80, 45), ["unhealthy", "unhealthy", "degraded", "degraded"]);
});

Deno.test("HealthMeter keeps its opinion when nothing happens, until it is cleared", () => {
  const meter = new HealthMeter(60_000);
  meter.note(true, 1);
  assert.equal(meter.health(1), "unhealthy");
  assert.equal(meter.health(1e6), "unhealthy");
  meter.clear();
  assert.equal(meter.health(1e6), "unknown");
});
