import assert from "node:assert/strict";
import { TrimSchedule } from "../../../../cli/process/trim_schedule.ts";

const MiB = 1024 * 1024;

Deno.test("next() leaves a process alone that holds little more than at its start", () => {
  const schedule = new TrimSchedule(80 * MiB);
  assert.equal(schedule.next(0, 95 * MiB, 32 * MiB, true), undefined);
  assert.equal(schedule.next(0, 96 * MiB, 32 * MiB, true), "collect");
});

Deno.test("next() collects under load only when much is held", () => {
  const schedule = new TrimSchedule(80 * MiB);
  assert.equal(schedule.next(0, 150 * MiB, 32 * MiB, false), "trim");
  assert.equal(schedule.next(0, 80 * MiB + 96 * MiB, 32 * MiB, false), "collect");
});

Deno.test("next() collects nothing under load that lies in the heap of V8", () => {
  const schedule = new TrimSchedule(80 * MiB);
  assert.equal(schedule.next(0, 300 * MiB, 10 * MiB, false), "trim");
  schedule.done(0, 290 * MiB, 0);
  assert.equal(schedule.next(5_000, 320 * MiB, 10 * MiB, true), "collect");
});

Deno.test("next() waits twice as long after every attempt that brought nothing", () => {
  const schedule = new TrimSchedule(80 * MiB);
  let nowMs = 0;
  for (const pauseMs of [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 320_000]) {
    assert.equal(schedule.next(nowMs, 150 * MiB, 32 * MiB, false), "trim");
    schedule.done(nowMs, 150 * MiB, 0);
    assert.equal(schedule.next(nowMs + pauseMs - 1, 150 * MiB, 32 * MiB, false), undefined);
    nowMs += pauseMs;
  }
});

Deno.test("next() does not wait when what is held has changed", () => {
  const schedule = new TrimSchedule(80 * MiB);
  schedule.next(0, 150 * MiB, 32 * MiB, false);
  schedule.done(0, 150 * MiB, 0);
  assert.equal(schedule.next(4_999, 170 * MiB, 32 * MiB, false), undefined);
  assert.equal(schedule.next(5_000, 170 * MiB, 32 * MiB, false), "trim");
  assert.equal(schedule.next(1_000, 230 * MiB, 32 * MiB, false), "collect");
});

Deno.test("next() gives collections no more than a tenth of the time", () => {
  const schedule = new TrimSchedule(80 * MiB);
  schedule.next(0, 300 * MiB, 32 * MiB, false);
  schedule.done(0, 200 * MiB, 600);
  assert.equal(schedule.next(5_999, 300 * MiB, 32 * MiB, false), undefined);
  assert.equal(schedule.next(6_000, 300 * MiB, 32 * MiB, false), "collect");
});
