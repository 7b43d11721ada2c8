import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { GatewayError } from "../../../../lib/core/errors.ts";
import { CheckoutLine, type Refusal } from "../../../../lib/upstream/pool/checkout_line.ts";

function scene(waitingMax = 10) {
  const placed: string[] = [], refused: string[] = [];
  let tried = 0;
  const open = new Set<string>();
  const line = new CheckoutLine({
    waitingMax,
    now: () => performance.now(),
    refusal: (why: Refusal) => new GatewayError("Overloaded", why),
  });
  const join = (name: string, bound?: object, dueMs = Infinity) => {
    const controller = new AbortController();
    line.join({
      place() {
        tried++;
        return open.has(name) ? () => void placed.push(name) : undefined;
      },
      refuse: (error) => void refused.push(`${name} ${error.message}`),
      bound,
      dueMs,
      signal: controller.signal,
    });
    return controller;
  };
  return { line, join, placed, refused, open, tried: () => tried };
}

Deno.test("offer() places in order, and tries others when only one home is full", () => {
  const { line, join, placed, open } = scene();
  const home = {}, other = {};
  join("a", home);
  join("b", home);
  join("c", other);
  join("d");
  open.add("c").add("d").add("b");
  line.offer();
  assert.deepEqual(placed, ["c", "d"]);
  open.add("a");
  line.offer();
  assert.deepEqual(placed, ["c", "d", "a", "b"]);
  assert.equal(line.size, 0);
});

Deno.test("offer() looks at one call only when all wait for the same", () => {
  const { line, join, tried } = scene();
  for (const name of ["a", "b", "c", "d"]) join(name);
  line.offer();
  assert.equal(tried(), 1);
});

Deno.test("join() refuses when the line is full, and whom nobody waits for any more", () => {
  const { line, join } = scene(1);
  join("a");
  assert.throws(() => join("b"), /full/);
  line.refuseAll(new GatewayError("Overloaded", "over"));
  const signal = AbortSignal.abort();
  const waiting = { place: () => undefined, refuse() {}, bound: undefined, dueMs: 1, signal };
  assert.throws(() => line.join(waiting), /cancelled/);
  assert.equal(line.size, 0);
});

Deno.test("each call waits until it is due, in whatever order they came", () => {
  const clock = FakeTimers.install();
  try {
    const { line, join, refused } = scene();
    join("late", undefined, 5000);
    join("soon", {}, 1000);
    clock.tick(999);
    assert.deepEqual(refused, []);
    clock.tick(1);
    assert.deepEqual(refused, ["soon due"]);
    clock.tick(4000);
    assert.deepEqual(refused, ["soon due", "late due"]);
    assert.deepEqual([line.size, clock.countTimers()], [0, 0]);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a call that is cancelled leaves the line, and no timer", () => {
  const clock = FakeTimers.install();
  try {
    const { line, join, refused } = scene();
    join("a", undefined, 1000).abort();
    assert.deepEqual(refused, ["a cancelled"]);
    assert.deepEqual([line.size, clock.countTimers()], [0, 0]);
  } finally {
    clock.uninstall();
  }
});
