import assert from "node:assert/strict";
import { poolScene, ScriptedSession, settled, toolCall } from "../../../fixtures/scripted_pool.ts";

const alice = () => new ScriptedSession("alice", true);

Deno.test("drain() ends members as they fall idle, the last first, and adds none", async () => {
  await using scene = poolScene({ min: 4, max: 8, callsPerMember: 1 });
  await scene.pool.prepare();
  await settled();
  const answers = ["a", "b"].map((name) => scene.pool.handle(toolCall(alice(), name)));
  await settled();
  const busy = scene.made.filter(({ handed }) => handed.length > 0);
  scene.pool.drain();
  await settled();
  assert.deepEqual(scene.made.filter(({ isDisposed }) => !isDisposed), busy);
  busy[0].handed[0].answer();
  await answers[0];
  await settled();
  assert.deepEqual(scene.made.filter(({ isDisposed }) => !isDisposed), [busy[1]]);
  busy[1].handed[0].answer();
  await answers[1];
  await settled();
  assert.equal(busy[1].isDisposed, false);
  assert.deepEqual(scene.counts, { starting: 0, idle: 1, busy: 0, leaving: 0, failed: 0 });
});

Deno.test("drain() serves what was accepted before, over the one member that stays", async () => {
  await using scene = poolScene({ min: 3, max: 8, callsPerMember: 1 });
  await scene.pool.prepare();
  await settled();
  scene.pool.drain();
  await settled();
  const late = ["a", "b"].map((name) => scene.pool.handle(toolCall(alice(), name)));
  await settled();
  const [left] = scene.made.filter(({ isDisposed }) => !isDisposed);
  assert.deepEqual(left.seen, ["a"]);
  left.find("a").answer();
  await settled();
  left.find("b").answer();
  await Promise.all(late);
  assert.equal(scene.made.length, 3);
});

Deno.test("drain() starts a member where the only one is lost and a call waits", async () => {
  await using scene = poolScene({ min: 2, max: 2, startsByHand: true });
  const waiting = scene.pool.handle(toolCall(alice(), "a"));
  scene.pool.drain();
  await settled();
  for (const { starting } of scene.made) starting.resolve();
  await settled();
  const had = scene.made.find(({ seen }) => seen.length > 0)!;
  had.find("a").answer();
  assert.equal((await waiting)!.json().result.member, had.index);
});
