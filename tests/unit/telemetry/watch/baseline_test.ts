import assert from "node:assert/strict";
import fc from "fast-check";
import { Baseline, type BaselineOptions } from "../../../../lib/telemetry/watch/baseline.ts";

const OPTIONS: BaselineOptions = {
  halfLifeSamples: 30,
  warmUpSamples: 30,
  score: 4,
  deviationShareMin: 0.1,
  deviationMin: 1,
  isTwoSided: true,
};

/** Ordinary values: 100, give or take 3. */
function ordinary(i: number): number {
  return 100 + 3 * Math.sin(i);
}

function warm(options: Partial<BaselineOptions> = {}): Baseline {
  const baseline = new Baseline({ ...OPTIONS, ...options });
  for (let i = 0; i < 60; i++) baseline.take(ordinary(i));
  return baseline;
}

Deno.test("Baseline judges nothing before the warm-up is over", () => {
  const baseline = new Baseline(OPTIONS);
  for (let i = 0; i < OPTIONS.warmUpSamples; i++) {
    assert.equal(baseline.take(i % 2 === 0 ? 0 : 1e6), false);
    assert.equal(baseline.score, 0);
  }
});

Deno.test("Baseline tells an anomaly with the second strange sample, and its end with the second ordinary one", () => {
  const baseline = warm();
  assert.equal(baseline.isAnomalous, false);
  assert.ok(Math.abs(baseline.mean - 100) < 3);
  assert.equal(baseline.take(1000), false);
  assert.ok(baseline.score > 4);
  assert.equal(baseline.take(1000), true);
  assert.equal(baseline.isAnomalous, true);
  assert.equal(baseline.take(100), false);
  assert.equal(baseline.take(1000), false, "one ordinary sample ends nothing");
  assert.equal(baseline.take(100), false);
  assert.equal(baseline.take(100), true);
  assert.equal(baseline.isAnomalous, false);
});

Deno.test("Baseline sees what falls only where it is two-sided", () => {
  for (const [isTwoSided, expected] of [[true, true], [false, false]] as const) {
    const baseline = warm({ isTwoSided });
    baseline.take(0);
    baseline.take(0);
    assert.equal(baseline.isAnomalous, expected);
    assert.ok(baseline.score < -4);
  }
});

Deno.test("Baseline learns a new normal in the end", () => {
  const baseline = warm();
  let samples = 0;
  while (Math.abs(baseline.mean - 500) > 50 && samples++ < 1000) baseline.take(500 + (samples % 3));
  assert.ok(samples > 30, `learned after ${samples} samples: a burst would be taken for normal`);
  assert.ok(samples < 300, `not learned after ${samples} samples`);
  assert.equal(baseline.isAnomalous, false);
});

Deno.test("Baseline lets a signal that was constant move by its least deviation", () => {
  const baseline = new Baseline({ ...OPTIONS, deviationShareMin: 0 });
  for (let i = 0; i < 60; i++) baseline.take(10);
  baseline.take(13.9);
  assert.ok(baseline.score < 4);
});

Deno.test("Baseline stays finite whatever it is given", () => {
  const value = fc.double({ min: 0, max: 1e12, noNaN: true });
  fc.assert(fc.property(fc.array(value, { maxLength: 200 }), (values) => {
    const baseline = new Baseline(OPTIONS);
    for (const one of values) {
      baseline.take(one);
      assert.ok(Number.isFinite(baseline.mean) && Number.isFinite(baseline.score));
    }
  }));
});
