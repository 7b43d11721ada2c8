import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import {
  type PoolScene,
  poolScene,
  type PoolSceneOptions,
  ScriptedSession,
  settled,
  toolCall,
} from "../../../fixtures/scripted_pool.ts";

const alice = () => new ScriptedSession("alice", true);

/** A pool whose first members all stand. */
async function ready(options: PoolSceneOptions): Promise<PoolScene> {
  const scene = poolScene(options);
  await scene.pool.prepare();
  await settled();
  return scene;
}

Deno.test("a pool grows when more than 0.8 of it is in use, and shrinks when less than 0.3 was", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = await ready({ min: 2, max: 8, callsPerMember: 1 });
    const names = ["a", "b", "c", "d", "e"];
    const answers = names.map((name) => scene.pool.handle(toolCall(alice(), name)));
    await settled();
    assert.equal(scene.made.length, 7);
    assert.equal(scene.counts.busy, 5);
    for (const member of scene.made) member.handed[0]?.answer();
    await Promise.all(answers);
    await clock.tickAsync(30_000);
    assert.equal(scene.counts.idle, 7); // it was in use within that time
    await clock.tickAsync(30_000);
    assert.equal(scene.counts.idle, 5);
    await clock.tickAsync(60_000);
    assert.equal(scene.counts.idle, 2);
    assert.deepEqual(
      scene.made.filter(({ isDisposed }) => !isDisposed).map(({ index }) => index),
      [0, 1],
    );
    assert.equal(clock.countTimers(), 0);
  } finally {
    clock.uninstall();
  }
});

Deno.test("members above the least number stop when they are idle for long, the last first", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = await ready({ min: 1, max: 3, callsPerMember: 1, idleMs: 60_000 });
    const answers = ["a", "b", "c"].map((name) => scene.pool.handle(toolCall(alice(), name)));
    await settled();
    assert.equal(scene.counts.busy, 3);
    const [first, ...rest] = scene.made;
    for (const member of rest) member.handed[0].answer();
    await settled();
    await clock.tickAsync(59_999); // one of three is in use: neither 0.8 nor 0.3
    assert.equal(scene.counts.idle, 2);
    await clock.tickAsync(30_001);
    assert.equal(scene.counts.idle, 0);
    first.handed[0].answer();
    await Promise.all(answers);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a member that takes any number of calls is reckoned to be used up by ten", async () => {
  await using scene = await ready({ min: 1, max: 8 });
  for (let i = 0; i < 8; i++) scene.pool.handle(toolCall(alice(), `${i}`)).catch(() => {});
  assert.equal(scene.made.length, 1);
  scene.pool.handle(toolCall(alice(), "9")).catch(() => {});
  assert.equal(scene.made.length, 6);
});
