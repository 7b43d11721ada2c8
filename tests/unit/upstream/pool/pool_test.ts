import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification, request, result } from "../../../../lib/core/compose.ts";
import {
  callOf,
  lost,
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

const failureOf = (promise: Promise<unknown>) =>
  promise.then(() => assert.fail("it was answered"), (error) => error);

Deno.test("handle() starts the least number of members, and places calls where the strategy says", async () => {
  await using scene = await ready({ min: 3, max: 3 });
  const answers = ["a", "b", "c"].map((name) => scene.pool.handle(toolCall(alice(), name)));
  await settled();
  assert.equal(scene.made.length, 3);
  assert.deepEqual(scene.made.map(({ seen }) => seen.length), [1, 1, 1]);
  assert.equal(scene.pool.load(), 3);
  for (const member of scene.made) member.handed[0].answer();
  const members = (await Promise.all(answers)).map((answer) => answer!.json().result.member);
  assert.deepEqual(members.sort(), [0, 1, 2]);
  assert.equal(scene.pool.load(), 0);
});

Deno.test("handle() gives a member no more calls than it may have; the others wait in order", async () => {
  await using scene = poolScene({ callsPerMember: 2 });
  const names = ["a", "b", "c", "d"];
  const answers = names.map((name) => scene.pool.handle(toolCall(alice(), name)));
  await settled();
  const [member] = scene.made;
  assert.deepEqual(member.seen, ["a", "b"]);
  member.find("b").answer();
  await settled();
  assert.deepEqual(member.seen, ["a", "b", "c"]);
  for (const name of ["a", "c"]) member.find(name).answer();
  await settled();
  member.find("d").answer();
  assert.equal((await Promise.all(answers)).length, 4);
});

Deno.test("handle() refuses as overloaded when the line is full, and when the wait was too long", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = poolScene({ callsPerMember: 1, queue: 2, checkoutMs: 5000 });
    const first = scene.pool.handle(toolCall(alice(), "first"));
    await settled();
    const waiting = ["b", "c"].map((name) => failureOf(scene.pool.handle(toolCall(alice(), name))));
    const refused = await failureOf(scene.pool.handle(toolCall(alice(), "too many")));
    assert.equal(refused.code, -31005);
    assert.match(refused.message, /2 calls wait already/);
    await clock.tickAsync(4999);
    assert.equal(scene.pool.load(), 3);
    await clock.tickAsync(1);
    for (const error of await Promise.all(waiting)) {
      assert.equal(error.code, -31005);
      assert.deepEqual(error.data, { outcome: "not_sent" });
      assert.match(error.message, /no member was free for 5000 ms/);
    }
    scene.made[0].find("first").answer();
    await first;
    assert.deepEqual(scene.made[0].seen, ["first"]);
  } finally {
    clock.uninstall();
  }
});

Deno.test("handle() forgets a call that is cancelled while it waits", async () => {
  await using scene = poolScene({ callsPerMember: 1 });
  const first = scene.pool.handle(toolCall(alice(), "first"));
  await settled();
  const call = toolCall(alice(), "second");
  const second = failureOf(scene.pool.handle(call));
  call.cancel();
  assert.match((await second).message, /cancelled/);
  scene.made[0].find("first").answer();
  await first;
  await settled();
  assert.deepEqual(scene.made[0].seen, ["first"]);
});

Deno.test("handle() places a call that was not sent anew, and takes its member out", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = await ready({ min: 2, max: 2 });
    const answer = scene.pool.handle(toolCall(alice(), "a"));
    await settled();
    const [had] = scene.made.filter(({ seen }) => seen.length > 0);
    had.find("a").fail(lost("not_sent"));
    await settled();
    const other = scene.made.find((member) => member !== had)!;
    other.find("a").answer();
    assert.equal((await answer)!.json().result.member, other.index);
    assert.ok(had.isDisposed);
    assert.equal(scene.counts.failed, 1);
    await clock.tickAsync(100);
    await scene.pool.handle(callOf(alice(), request(1, "ping")));
    await settled();
    assert.equal(scene.made.length, 3);
    assert.equal(scene.made[2].index, had.index);
    assert.deepEqual(scene.counts, { starting: 0, idle: 2, busy: 0, leaving: 0, failed: 0 });
  } finally {
    clock.uninstall();
  }
});

Deno.test("handle() tells the client of a call whose outcome is unknown", async () => {
  await using scene = poolScene();
  const answer = failureOf(scene.pool.handle(toolCall(alice(), "a")));
  await settled();
  scene.made[0].break("unknown");
  assert.deepEqual((await answer).data, { outcome: "unknown" });
});

Deno.test("a member that is lost finishes what it can, and gets nothing new", async () => {
  await using scene = await ready({ min: 2, max: 2 });
  const calls = ["a", "b", "c", "d"].map((name) => scene.pool.handle(toolCall(alice(), name)));
  calls.forEach((call) => call.catch(() => {}));
  await settled();
  const [one, other] = scene.made;
  const [gone, kept] = one.handed;
  gone.fail(lost("unknown"));
  await settled();
  assert.equal(scene.counts.leaving, 1);
  assert.ok(!one.isDisposed);
  const late = scene.pool.handle(toolCall(alice(), "late"));
  assert.ok(other.seen.includes("late"));
  kept.answer();
  await settled();
  assert.ok(one.isDisposed);
  for (const handed of other.handed) handed.answer();
  await late;
});

Deno.test("calls that wait survive members that cannot be started", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = poolScene({ startsByHand: true });
    const answer = scene.pool.handle(toolCall(alice(), "a"));
    await settled();
    scene.made[0].starting.reject(new Error("refused"));
    await settled();
    assert.deepEqual(scene.failures, ["0: refused"]);
    await clock.tickAsync(100);
    scene.made[1].starting.resolve();
    await settled();
    scene.made[1].find("a").answer();
    assert.equal((await answer)!.json().result.member, 0);
  } finally {
    clock.uninstall();
  }
});

Deno.test("calls learn why no member could be started, after their wait", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = poolScene({ startsByHand: true });
    const prepared = failureOf(scene.pool.prepare());
    scene.made[0].starting.reject(new Error("no such program"));
    assert.match((await prepared).message, /no such program/);
    assert.equal(scene.pool.ready(), false);
    const answer = failureOf(scene.pool.handle(toolCall(alice(), "a")));
    await settled();
    await clock.tickAsync(5000);
    const error = await answer;
    assert.equal(error.code, -31003);
    assert.match(error.message, /no such program/);
  } finally {
    clock.uninstall();
  }
});

Deno.test("dispose ends all members, refuses what waits, and takes nothing more", async () => {
  const scene = poolScene({ callsPerMember: 1 });
  const running = failureOf(scene.pool.handle(toolCall(alice(), "a")));
  await settled();
  const waiting = failureOf(scene.pool.handle(toolCall(alice(), "b")));
  await scene.pool[Symbol.asyncDispose]();
  assert.deepEqual((await running).data, { outcome: "unknown" });
  assert.deepEqual((await waiting).data, { outcome: "not_sent" });
  const late = await failureOf(scene.pool.handle(toolCall(alice(), "c")));
  assert.equal(late.code, -31001);
  assert.deepEqual(scene.counts, { starting: 0, idle: 0, busy: 0, leaving: 0, failed: 0 });
});

Deno.test("dispose ends members that are starting, resting and leaving", async () => {
  const scene = poolScene({ min: 3, max: 3, startsByHand: true });
  scene.pool.prepare().catch(() => {});
  scene.made[0].starting.resolve();
  scene.made[1].starting.reject(new Error("refused"));
  await settled();
  const calls = ["a", "b"].map((name) => failureOf(scene.pool.handle(toolCall(alice(), name))));
  await settled();
  scene.made[0].handed[0].fail(lost("unknown"));
  await settled();
  assert.deepEqual(scene.counts, { starting: 1, idle: 0, busy: 0, leaving: 1, failed: 2 });
  await scene.pool[Symbol.asyncDispose]();
  await Promise.all(calls);
  assert.deepEqual(scene.counts, { starting: 0, idle: 0, busy: 0, leaving: 0, failed: 0 });
  assert.deepEqual(scene.made.map(({ isDisposed }) => isDisposed), [true, true, true]);
});

Deno.test("a retry with a requestState comes back to the member that gave it out", async () => {
  await using scene = await ready({ min: 4, max: 4, strategy: "roundRobin" });
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const modern = (params: object) =>
    callOf(alice(), request(1, "tools/call", { name: "ask", ...params, _meta: meta }));
  const first = scene.pool.handle(modern({}));
  await settled();
  const asker = scene.made.find(({ seen }) => seen.length > 0)!;
  asker.handed[0].answerWith(result(new TextEncoder().encode("1"), {
    resultType: "input_required",
    inputRequests: {},
    requestState: "held-1",
  }));
  await first;
  for (let i = 0; i < 3; i++) {
    const retry = scene.pool.handle(modern({ requestState: "held-1" }));
    await settled();
    assert.equal(asker.handed.length, i + 2);
    asker.handed[i + 1].answer();
    await retry;
  }
});

Deno.test("notifications of clients without session need no member", async () => {
  await using scene = poolScene();
  await scene.pool.handle(
    callOf(alice(), notification("notifications/cancelled", { requestId: 1 })),
  );
  assert.deepEqual(scene.made[0].seen, []);
});
