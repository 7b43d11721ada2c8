import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { GatewayError } from "../../../../lib/core/errors.ts";
import {
  lost,
  poolScene,
  type ScriptedMember,
  ScriptedSession,
  settled,
  toolCall,
} from "../../../fixtures/scripted_pool.ts";

const alice = () => new ScriptedSession("alice", true);
const failureOf = (promise: Promise<unknown>) =>
  promise.then(() => assert.fail("it was answered"), (error) => error);
const timeout = () => new GatewayError("UpstreamTimeout", "Cannot answer in time: scripted");
const leftAlone = (seconds: number) =>
  new GatewayError("NoHealthyUpstream", "Cannot reach upstream test: left alone", {
    data: { retryAfterSeconds: seconds },
  });

/** A call fails, and the breaker of its member opens. */
function open(member: ScriptedMember, retryAfterMs: number): void {
  Object.assign(member.circuit, { state: "open", retryAfterMs });
  member.handed.at(-1)!.fail(timeout());
}

Deno.test("a member whose breaker opens is left alone while others serve, and is started anew after its time", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = poolScene({ min: 2, max: 2, callsPerMember: 1 });
    await scene.pool.prepare();
    await settled();
    const sick = scene.made[0];
    const first = scene.pool.handle(toolCall(alice(), "a")).catch(() => {});
    const second = scene.pool.handle(toolCall(alice(), "b")).catch(() => {});
    await settled();
    open(sick, 2000);
    await first;
    await settled();
    assert.ok(sick.isDisposed);
    scene.made[1].handed[0].answer();
    await second;
    for (let i = 0; i < 20; i++) {
      const answer = scene.pool.handle(toolCall(alice(), `${i}`));
      await settled();
      scene.made[1].find(`${i}`).answer();
      await answer;
    }
    await clock.tickAsync(1999);
    scene.pool.prepare();
    assert.equal(scene.made.length, 2);
    await clock.tickAsync(1);
    scene.pool.prepare();
    await settled();
    assert.deepEqual(scene.made.map(({ index }) => index), [0, 1, 0]);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a member whose breaker is half-open gets one call at a time", async () => {
  await using scene = poolScene({ min: 1, max: 1 });
  await scene.pool.prepare();
  const [member] = scene.made;
  const all = [scene.pool.handle(toolCall(alice(), "a"))];
  member.circuit.state = "halfOpen";
  await settled();
  member.find("a").answer();
  await settled();
  for (const name of ["b", "c", "d"]) all.push(scene.pool.handle(toolCall(alice(), name)));
  await settled();
  assert.deepEqual(member.seen, ["a", "b"]);
  member.circuit.state = "closed"; // the call that shows it ends after its breaker was told
  member.find("b").answer();
  await settled();
  assert.deepEqual(member.seen, ["a", "b", "c", "d"]);
  for (const { answer } of member.handed) answer();
  await Promise.all(all);
});

Deno.test("a call that meets a member left alone goes to another", async () => {
  await using scene = poolScene({ min: 2, max: 2 });
  await scene.pool.prepare();
  await settled();
  const answer = scene.pool.handle(toolCall(alice(), "a"));
  await settled();
  const had = scene.made.find(({ seen }) => seen.length > 0)!;
  had.find("a").fail(leftAlone(2));
  await settled();
  const other = scene.made.find((member) => member !== had)!;
  other.find("a").answer();
  assert.equal((await answer)!.json().result.member, other.index);
});

Deno.test("calls are refused at once, with the time to come back, where every member is left alone for long", async () => {
  const clock = FakeTimers.install();
  try {
    await using scene = poolScene({ min: 2, max: 2, checkoutMs: 5000 });
    await scene.pool.prepare();
    await settled();
    const calls = ["a", "b"].map((name) => failureOf(scene.pool.handle(toolCall(alice(), name))));
    await settled();
    scene.made[0].handed[0].fail(lost("unknown"));
    scene.made[1].handed[0].fail(lost("unknown"));
    for (const error of await Promise.all(calls)) {
      assert.deepEqual([error.code, error.data], [-31001, { outcome: "unknown" }]);
    }
    await clock.tickAsync(200); // due, and started again with the next call
    const waiting = failureOf(scene.pool.handle(toolCall(alice(), "c")));
    await settled();
    for (const { handed } of scene.made.slice(2)) handed[0]?.fail(leftAlone(20));
    await settled();
    for (const member of scene.made.slice(2)) member.handed[0]?.fail(leftAlone(20));
    const error = await waiting;
    assert.deepEqual([error.code, error.status, error.headers["retry-after"]], [-31003, 503, "20"]);
    const refused = await failureOf(scene.pool.handle(toolCall(alice(), "d")));
    assert.deepEqual([refused.code, refused.data], [-31003, { retryAfterSeconds: 20 }]);
    assert.equal(scene.pool.ready(), false);
  } finally {
    clock.uninstall();
  }
});
