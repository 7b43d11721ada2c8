import assert from "node:assert/strict";
import fc from "fast-check";
import { type Phase, Schedule, steady, variable } from "../../../lib/bench/schedule.ts";

function timesOf(startMs: number, phases: readonly Phase[]): number[] {
  const schedule = new Schedule(startMs, phases);
  const times: number[] = [];
  for (; schedule.nextMs < Infinity; schedule.advance()) times.push(schedule.nextMs);
  return times;
}

Deno.test("Schedule spaces calls evenly at an even rate, without drift", () => {
  const times = timesOf(5000, steady(3, 10_000));
  assert.equal(times.length, 30);
  assert.equal(times[0], 5000);
  assert.ok(Math.abs(times[29] - (5000 + 29_000 / 3)) < 1e-6);
});

Deno.test("Schedule ramps: as many calls as the area under the rate, ever closer", () => {
  const times = timesOf(0, [{ forMs: 10_000, fromRate: 0, toRate: 20 }]);
  assert.equal(times.length, 100);
  const gaps = times.slice(2).map((time, index) => time - times[index + 1]);
  for (let i = 1; i < gaps.length; i++) assert.ok(gaps[i] < gaps[i - 1], `gap ${i}`);
  assert.ok(Math.abs(times[25] - 5000) < 1e-6, "a quarter of the calls in half of the time");
});

Deno.test("Schedule carries broken calls from phase to phase, in order, within its time", () => {
  const phase = fc.record({
    forMs: fc.integer({ min: 1, max: 2000 }),
    fromRate: fc.integer({ min: 0, max: 500 }),
    toRate: fc.integer({ min: 0, max: 500 }),
  });
  fc.assert(fc.property(fc.array(phase, { maxLength: 6 }), (phases) => {
    const times = timesOf(100, phases);
    const total = phases.reduce(
      (sum, { forMs, fromRate, toRate }) => sum + (fromRate + toRate) / 2 * forMs / 1000,
      0,
    );
    const endMs = 100 + phases.reduce((sum, { forMs }) => sum + forMs, 0);
    assert.ok(Math.abs(times.length - total) <= 1 + 1e-6, `${times.length} of ${total}`);
    for (const [index, time] of times.entries()) {
      assert.ok(time >= (times[index - 1] ?? 100) - 1e-6 && time <= endMs + 1e-6);
    }
  }));
});

Deno.test("variable() takes the time that it is given", () => {
  const total = variable(100, 1000).reduce((sum, { forMs }) => sum + forMs, 0);
  assert.ok(Math.abs(total - 1000) < 1e-6);
});
