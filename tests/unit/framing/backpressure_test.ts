import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { PressureState } from "../../../lib/core/pressure.ts";
import {
  Backpressure,
  type BackpressureOptions,
  type OverloadFigures,
  overloadScore,
  scoreDelayMs,
  stdioDelayMs,
  tcpDelayMs,
  websocketBufferBytes,
} from "../../../lib/framing/backpressure.ts";

const WELL: OverloadFigures = {
  queueDepth: 0,
  queueDepthMax: 1000,
  arrivedPerSecond: 1000,
  sentPerSecond: 1000,
  latencyMs: 2,
  usualLatencyMs: 2,
  errorRate: 0,
};
const LOST: OverloadFigures = {
  ...WELL,
  queueDepth: 1000,
  sentPerSecond: 0,
  latencyMs: 20,
  errorRate: 0.2,
};

function watched(options: Partial<BackpressureOptions> = {}) {
  const seen: PressureState[] = [];
  const pressure = new Backpressure({
    bufferBytesMax: 1000,
    onPressure: (state) => seen.push(state),
    ...options,
  });
  const states = (...bytes: number[]) =>
    bytes.map((count) => {
      pressure.update(count, count);
      return pressure.state;
    });
  return { pressure, seen, states };
}

Deno.test("Backpressure backs up above the high watermark and flows again below the low one", () => {
  const { states, seen, pressure } = watched();
  const up = "backing_up";
  assert.deepEqual(states(800, 801, 400, 301, 300), ["flowing", up, up, up, "flowing"]);
  assert.deepEqual(states(800, 801), ["flowing", up]);
  assert.deepEqual(seen, [up, "flowing", up]);
  assert.deepEqual(pressure.counts, { flowing: 1, backing_up: 2, blocked: 0 });
});

Deno.test("Backpressure blocks beyond the buffer until the low watermark", () => {
  const { states, seen } = watched();
  const all = states(1000, 1001, 1000, 500, 301, 300);
  assert.deepEqual(all, ["backing_up", "blocked", "blocked", "blocked", "blocked", "flowing"]);
  assert.deepEqual(states(5000, 0), ["blocked", "flowing"]);
  assert.deepEqual(seen, ["backing_up", "blocked", "flowing", "blocked", "flowing"]);
});

Deno.test("Backpressure does not flap around one watermark", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 310, max: 1000 })), (all) => {
    const { states, seen } = watched();
    states(900, ...all);
    assert.deepEqual(seen, ["backing_up"]);
  }));
});

Deno.test("Backpressure slows down by the rule in mode active, and not in mode passive", () => {
  const rule = { delayRule: (bytes: number) => bytes / 100 };
  for (const [mode, wanted] of [["active", [0, 9, 4, 0]], ["passive", [0, 0, 0, 0]]] as const) {
    const { pressure } = watched({ ...rule, mode });
    const delays = [700, 900, 400, 200].map((bytes) => {
      pressure.update(bytes, 1);
      return pressure.delayMs;
    });
    assert.deepEqual(delays, wanted);
  }
});

Deno.test("Backpressure acts on predictions in mode adaptive only, and never on an empty buffer", () => {
  const adaptive = watched({ mode: "adaptive" }), active = watched({ mode: "active" });
  for (const { pressure } of [adaptive, active]) pressure.observe(LOST);
  assert.deepEqual(adaptive.states(1, 0), ["blocked", "flowing"]);
  assert.deepEqual(active.states(1, 0), ["flowing", "flowing"]);
  adaptive.pressure.observe({ ...LOST, queueDepth: 500, errorRate: 0 });
  assert.deepEqual(adaptive.states(1), ["backing_up"]);
  assert.equal(adaptive.pressure.delayMs, 65);
  adaptive.pressure.observe(WELL);
  assert.deepEqual(adaptive.states(1), ["flowing"]);
  assert.equal(adaptive.pressure.delayMs, 0);
});

Deno.test("Backpressure tells for how much of its time it was pressed", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const { pressure } = watched();
    clock.tick(900);
    pressure.update(900, 1);
    clock.tick(50);
    pressure.update(1100, 1);
    assert.equal(pressure.pressedShare, 50 / 950);
    clock.tick(50);
    pressure.update(0, 0);
    clock.tick(1000);
    assert.equal(pressure.pressedShare, 100 / 2000);
  } finally {
    clock.uninstall();
  }
});

Deno.test("delays by transport have the edges that are documented", () => {
  const kib = (count: number) => tcpDelayMs(count * 1024, 0);
  assert.deepEqual([0, 64, 64.5, 70, 100, 1000].map(kib), [0, 0, 64, 70, 100, 100]);
  const queued = (count: number) => stdioDelayMs(0, count);
  assert.deepEqual([0, 1000, 1001, 10_000, 10_001].map(queued), [0, 0, 10, 10, 50]);
});

Deno.test("websocketBufferBytes() is what is under way in one round trip, within its bounds", () => {
  assert.equal(websocketBufferBytes(50, 1_000_000, 1000, 100_000), 50_000);
  assert.equal(websocketBufferBytes(50, 0, 1000, 100_000), 1000);
  assert.equal(websocketBufferBytes(500, 1_000_000, 1000, 100_000), 100_000);
});

Deno.test("overloadScore() is 0 when all is well, 1 when nothing is, and moves with each figure", () => {
  assert.equal(overloadScore(WELL), 0);
  assert.ok(Math.abs(overloadScore(LOST) - 1) < 1e-9);
  const alone: Partial<OverloadFigures>[] = [
    { queueDepth: 1000 },
    { sentPerSecond: 0 },
    { latencyMs: 20 },
    { errorRate: 0.2 },
  ];
  const scores = alone.map((figures) => overloadScore({ ...WELL, ...figures }));
  assert.deepEqual(scores.map((score) => Math.round(score * 100)), [40, 20, 25, 15]);
});

Deno.test("overloadScore() stays within 0..1 for any figures", () => {
  const figure = fc.double({ min: 0, noNaN: true, max: 1e12 });
  const keys = Object.keys(WELL) as (keyof OverloadFigures)[];
  const figures = fc.array(figure, { minLength: keys.length, maxLength: keys.length });
  fc.assert(fc.property(figures, (values) => {
    const all = Object.fromEntries(keys.map((key, i) => [key, values[i]]));
    const score = overloadScore(all as unknown as OverloadFigures);
    assert.ok(score >= 0 && score <= 1 + 1e-9);
  }));
});

Deno.test("scoreDelayMs() begins above 0.6 and ends at 100 ms", () => {
  assert.deepEqual([0, 0.6, 0.61, 0.8, 1].map(scoreDelayMs), [0, 0, 61, 80, 100]);
});
