import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { firstSuccess } from "../../../lib/upstream/staggered.ts";

/** Ways that end by hand, under a clock that stands still. */
function scene(count: number) {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  const begun: (PromiseWithResolvers<string> & { signal: AbortSignal })[] = [];
  const discarded: string[] = [];
  const ways = Array.from({ length: count }, () => ({
    patienceMs: 100,
    go(signal: AbortSignal) {
      const way = { ...Promise.withResolvers<string>(), signal };
      begun.push(way);
      return way.promise;
    },
  }));
  const run = (signal = new AbortController().signal) =>
    firstSuccess(ways, signal, (late) => discarded.push(late));
  return { clock, begun, discarded, run, [Symbol.dispose]: () => clock.uninstall() };
}

Deno.test("firstSuccess() goes one way where that leads somewhere", async () => {
  using it = scene(3);
  const result = it.run();
  it.clock.tick(99);
  it.begun[0].resolve("first");
  assert.equal(await result, "first");
  assert.equal(it.begun.length, 1);
  assert.equal(it.clock.countTimers(), 0);
});

Deno.test("firstSuccess() goes the next way at once when one has failed", async () => {
  using it = scene(3);
  const result = it.run();
  it.begun[0].reject(new Error("refused"));
  await Promise.resolve().then(() => {});
  assert.equal(it.begun.length, 2);
  it.begun[1].resolve("second");
  assert.equal(await result, "second");
});

Deno.test("firstSuccess() goes the next way beside a slow one, takes the first and discards the other", async () => {
  using it = scene(2);
  const result = it.run();
  it.clock.tick(100);
  assert.equal(it.begun.length, 2);
  it.begun[1].resolve("second");
  assert.equal(await result, "second");
  assert.equal(it.begun[0].signal.aborted, true);
  it.begun[0].resolve("late");
  await Promise.resolve();
  assert.deepEqual(it.discarded, ["late"]);
});

Deno.test("firstSuccess() fails with the last error when no way is left", async () => {
  using it = scene(2);
  const result = it.run();
  it.clock.tick(100);
  it.begun[1].reject(new Error("second"));
  it.begun[0].reject(new Error("first"));
  await assert.rejects(result, /first/);
});

Deno.test("firstSuccess() tries no further way once its signal has aborted", async () => {
  using it = scene(2);
  const end = new AbortController();
  const result = it.run(end.signal);
  end.abort();
  it.begun[0].reject(new Error("aborted"));
  await assert.rejects(result, /aborted/);
  assert.equal(it.begun.length, 1);
});
