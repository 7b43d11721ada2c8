import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import type { CircuitState, Permit } from "../../../lib/core/circuit.ts";
import { upstreamBreaker } from "../../../lib/policy/circuit_breaker.ts";

const SETTINGS = { failures: 5, errorRate: 0.5, windowMs: 10_000, openMs: 30_000, successes: 2 };

/** A breaker under a clock that stands still. */
function scene(settings = SETTINGS) {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  const states: CircuitState[] = [];
  const breaker = upstreamBreaker(settings, (state) => states.push(state));
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.admit()!.failed();
  };
  return { clock, breaker, states, fail, [Symbol.dispose]: () => clock.uninstall() };
}

Deno.test("CircuitBreaker opens at the 5th failure in a row, not at the 4th", () => {
  using it = scene();
  it.fail(4);
  it.breaker.admit()!.succeeded();
  it.fail(4);
  assert.equal(it.breaker.state, "closed");
  it.fail(1);
  assert.deepEqual(it.states, ["open"]);
  assert.equal(it.breaker.admit(), undefined);
  assert.equal(it.breaker.retryAfterMs, 30_000);
});

Deno.test("CircuitBreaker lets exactly one probe through at a time once it was open for openMs", () => {
  using it = scene();
  it.fail(5);
  it.clock.tick(29_999);
  assert.equal(it.breaker.permits, false);
  it.clock.tick(1);
  assert.equal(it.breaker.permits, true);
  const probe = it.breaker.admit()!;
  for (let i = 0; i < 100; i++) assert.equal(it.breaker.admit(), undefined);
  probe.succeeded();
  const second = it.breaker.admit()!;
  assert.equal(it.breaker.state, "halfOpen");
  assert.equal(it.breaker.admit(), undefined);
  second.succeeded();
  assert.deepEqual(it.states, ["open", "halfOpen", "closed"]);
});

Deno.test("CircuitBreaker opens anew when a probe fails, and counts successes from the beginning", () => {
  using it = scene();
  it.fail(5);
  it.clock.tick(30_000);
  it.breaker.admit()!.succeeded();
  it.breaker.admit()!.failed();
  assert.equal(it.breaker.state, "open");
  assert.equal(it.breaker.retryAfterMs, 30_000);
  it.clock.tick(30_000);
  it.breaker.admit()!.succeeded();
  assert.equal(it.breaker.state, "halfOpen");
});

Deno.test("CircuitBreaker gives the probe to the next one when it was withdrawn", () => {
  using it = scene();
  it.fail(5);
  it.clock.tick(30_000);
  it.breaker.admit()!.withdrawn();
  assert.equal(it.breaker.state, "halfOpen");
  assert.notEqual(it.breaker.admit(), undefined);
});

Deno.test("CircuitBreaker does not listen to calls that began before it last changed", () => {
  using it = scene();
  const late: Permit[] = Array.from({ length: 20 }, () => it.breaker.admit()!);
  it.fail(5);
  it.clock.tick(30_000);
  const probe = it.breaker.admit()!;
  for (const permit of late.slice(10)) permit.failed();
  for (const permit of late.slice(0, 10)) permit.succeeded();
  assert.equal(it.breaker.state, "halfOpen");
  probe.succeeded();
  it.breaker.admit()!.succeeded();
  assert.equal(it.breaker.state, "closed");
  for (const permit of late) permit.failed();
  assert.equal(it.breaker.state, "closed");
});

Deno.test("CircuitBreaker opens at half of the calls of the window, once there are 20", () => {
  using it = scene({ ...SETTINGS, failures: 1000 });
  for (let i = 0; i < 9; i++) {
    it.breaker.admit()!.succeeded();
    it.fail(1);
  }
  it.breaker.admit()!.succeeded();
  assert.equal(it.breaker.state, "closed"); // 19
  it.fail(1);
  assert.equal(it.breaker.state, "open");
});

Deno.test("CircuitBreaker forgets what was before the window", () => {
  using it = scene({ ...SETTINGS, failures: 1000 });
  it.fail(19);
  it.clock.tick(10_001);
  it.fail(19);
  assert.equal(it.breaker.state, "closed");
});

Deno.test("CircuitBreaker.open() opens it by hand, for its own time or a given one", () => {
  using it = scene();
  it.breaker.open(1000);
  assert.equal(it.breaker.retryAfterMs, 1000);
  it.clock.tick(1000);
  const probe = it.breaker.admit()!;
  it.breaker.open();
  probe.succeeded();
  assert.equal(it.breaker.state, "open");
  assert.equal(it.breaker.retryAfterMs, 30_000);
});
