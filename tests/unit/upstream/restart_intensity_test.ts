import assert from "node:assert/strict";
import { RestartIntensity } from "../../../lib/upstream/restart_intensity.ts";

const OPTIONS = { max: 3, windowMs: 1000, coolDownMs: 100, coolDownMaxMs: 250 };

function scene() {
  const clock = { nowMs: 5000 };
  const intensity = new RestartIntensity(OPTIONS, () => clock.nowMs);
  intensity.started("a");
  /** Ends it and starts it again, so many times; whether it failed each time. */
  const crash = (times: number, where = "a") =>
    Array.from({ length: times }, () => {
      const hasFailed = intensity.ended(where);
      if (!hasFailed) intensity.started(where);
      return hasFailed;
    });
  return { clock, intensity, crash };
}

Deno.test("RestartIntensity allows as many restarts within the window as it is told, and no more", () => {
  const { clock, intensity, crash } = scene();
  assert.deepEqual(crash(3), [false, false, false]);
  assert.equal(intensity.waitMs, 0);
  assert.deepEqual(crash(1), [true]);
  assert.equal(intensity.waitMs, 100);
  clock.nowMs += 100;
  assert.equal(intensity.waitMs, 0);
});

Deno.test("RestartIntensity allows any number of restarts that are far enough apart", () => {
  const { clock, crash } = scene();
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(crash(1), [false]);
    clock.nowMs += 334;
  }
});

Deno.test("RestartIntensity doubles the time of one that fails again, up to a bound, and forgets after a whole window", () => {
  const { clock, intensity, crash } = scene();
  crash(4);
  for (const waitMs of [200, 250, 250]) {
    clock.nowMs += intensity.waitMs;
    assert.equal(intensity.started("a"), true);
    clock.nowMs += 999;
    assert.deepEqual(crash(1), [true]);
    assert.equal(intensity.waitMs, waitMs);
  }
  clock.nowMs += intensity.waitMs;
  intensity.started("a");
  clock.nowMs += 1000;
  assert.deepEqual(crash(4), [false, false, false, true]);
  assert.equal(intensity.waitMs, 100);
});

Deno.test("RestartIntensity counts no start elsewhere, none after an orderly end, and no mere connections", () => {
  const { intensity } = scene();
  intensity.ended("a");
  assert.equal(intensity.started("b"), false);
  assert.equal(intensity.started("b"), false);
  for (let i = 0; i < 10; i++) {
    assert.equal(intensity.ended("b", false), false);
    assert.equal(intensity.started("b"), true);
  }
});
