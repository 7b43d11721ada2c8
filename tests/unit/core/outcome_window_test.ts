import assert from "node:assert/strict";
import fc from "fast-check";
import { OutcomeWindow } from "../../../lib/core/outcome_window.ts";

Deno.test("OutcomeWindow counts what is younger than its slots, and nothing that is older than the window", () => {
  const steps = fc.array(fc.tuple(fc.nat(700), fc.boolean()), { maxLength: 200 });
  fc.assert(fc.property(steps, (given) => {
    const window = new OutcomeWindow(1200); // slots of 100 ms
    const noted: { atMs: number; isFailure: boolean }[] = [];
    let nowMs = 0;
    for (const [waitMs, isFailure] of given) {
      nowMs += waitMs;
      window.note(isFailure, nowMs);
      noted.push({ atMs: nowMs, isFailure });
      const now = Math.floor(nowMs / 100);
      const inside = noted.filter(({ atMs }) => Math.floor(atMs / 100) > now - 12);
      assert.equal(window.count(nowMs), inside.length);
      const failures = inside.filter((one) => one.isFailure).length;
      assert.equal(window.errorRate(nowMs), failures / inside.length);
    }
    assert.equal(window.count(nowMs + 1200), 0);
    assert.equal(window.errorRate(nowMs + 1200), 0);
  }));
});

Deno.test("OutcomeWindow.clear() forgets everything", () => {
  const window = new OutcomeWindow(1000);
  window.note(true, 1);
  window.clear();
  assert.equal(window.count(2), 0);
  window.note(false, 3);
  assert.equal(window.errorRate(3), 0);
});
