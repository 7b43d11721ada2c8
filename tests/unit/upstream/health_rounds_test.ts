import assert from "node:assert/strict";
import { HealthRounds } from "../../../lib/upstream/health_rounds.ts";
import { OPTIONS, timelessScene } from "./endpoint_scene.ts";

const CHECK_MS = 30_000;

/** Rounds over endpoints, and who was asked. */
function rounds(...names: string[]) {
  const it = timelessScene(...names);
  const asked: string[] = [], changes: string[] = [];
  const running = new HealthRounds(
    it.set,
    it.endpoints,
    ({ label }) => {
      asked.push(label);
      return it.down.has(label) ? Promise.reject(new Error("down")) : Promise.resolve(7);
    },
    { checkMs: CHECK_MS, steadyMs: OPTIONS.steadyMs },
    { healthChanged: (endpoint, health) => changes.push(`${endpoint} ${health}`) },
  );
  return {
    ...it,
    asked,
    changes,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      assert.equal(it.clock.countTimers(), 0);
      it[Symbol.dispose]();
    },
  };
}

Deno.test("HealthRounds asks an endpoint that nobody uses until it is known to be well, then now and then", async () => {
  await using it = rounds("a");
  await it.clock.tickAsync(10 * OPTIONS.steadyMs);
  const first = it.asked.splice(0).length;
  assert.ok(first === 1 || first === 2, `${first}`);
  await it.clock.tickAsync(10 * CHECK_MS);
  assert.ok(it.asked.length >= 9 && it.asked.length <= 10, `${it.asked.length}`);
  assert.deepEqual(it.changes, ["a healthy"]);
  assert.equal(it.endpoints[0].latencyMs, 7);
});

Deno.test("HealthRounds asks nobody whom calls tell of", async () => {
  await using it = rounds("a");
  it.endpoints[0].noteGood();
  for (let i = 0; i < 100; i++) {
    await it.clock.tickAsync(1000);
    it.endpoints[0].noteGood();
  }
  assert.ok(it.asked.length <= 2, `${it.asked.length}`);
});

Deno.test("HealthRounds asks a dead endpoint every second until its circuit opens, then once each time it may be tried", async () => {
  await using it = rounds("a");
  it.down.add("a");
  await it.clock.tickAsync(3000);
  assert.equal(it.asked.splice(0).length, 3);
  assert.equal(it.endpoints[0].circuit.state, "open");
  for (let probe = 0; probe < 5; probe++) {
    await it.clock.tickAsync(5020);
    assert.equal(it.asked.splice(0).length, 1);
  }
  it.down.clear();
  await it.clock.tickAsync(5020);
  assert.equal(it.endpoints[0].circuit.state, "closed");
  assert.deepEqual(it.changes, ["a unhealthy", "a healthy"]);
});

Deno.test("HealthRounds starts no program only to look at it", async () => {
  await using it = rounds("$a");
  await it.clock.tickAsync(10 * CHECK_MS);
  assert.equal(it.asked.length, 0);
  it.endpoints[0].noteAbsent();
  await it.clock.tickAsync(CHECK_MS);
  assert.equal(it.asked.length, 1);
  assert.equal(it.endpoints[0].isSuspect, false);
});

Deno.test("HealthRounds asks once more before connections move", async () => {
  await using it = rounds("a", "b");
  const { signal } = new AbortController();
  await (await it.set.dial(signal))[Symbol.asyncDispose]();
  it.down.add("a");
  const ended = await it.set.dial(signal);
  let moves = 0;
  ended.watch!.onSuperseded = () => moves++;
  it.endpoints[1].noteGood();
  it.down.clear();
  await it.clock.tickAsync(OPTIONS.switchMs - 1000);
  assert.equal(moves, 0);
  it.asked.length = 0;
  await it.clock.tickAsync(2000);
  assert.equal(moves, 1);
  assert.ok(it.asked.includes("a"));
  await ended[Symbol.asyncDispose]();
});
