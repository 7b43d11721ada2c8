import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification, request, result } from "../../../../lib/core/compose.ts";
import type { Message } from "../../../../lib/core/message.ts";
import {
  callOf,
  lost,
  type PoolScene,
  poolScene,
  type PoolSceneOptions,
  type ScriptedMember,
  ScriptedSession,
  settled,
  toolCall,
} from "../../../fixtures/scripted_pool.ts";

const SUBSCRIBE = "resources/subscribe";

/** A pool of four, and a client with its handshake made. */
async function scene(options: PoolSceneOptions = {}) {
  const scene = poolScene({ min: 4, max: 4, strategy: "roundRobin", ...options });
  await scene.pool.prepare();
  await settled();
  const alice = new ScriptedSession("alice");
  await scene.pool.handle(callOf(alice, request(1, "initialize", {})));
  await scene.pool.handle(callOf(alice, notification("notifications/initialized")));
  const home = scene.made.find(({ seen }) => seen.length > 0)!;
  const guests = scene.made.filter((member) => member !== home);
  return { ...scene, alice, home, guests };
}

function say(scene: PoolScene, session: ScriptedSession, method: string, params = {}) {
  return scene.pool.handle(callOf(session, request(9, method, params)));
}

/** Calls tools until a guest has one; answers those of the home. */
async function callOnGuest(scene: PoolScene, session: ScriptedSession, home: ScriptedMember) {
  for (let i = 0; i < 2; i++) {
    const name = `tool ${i}`;
    const answer = scene.pool.handle(toolCall(session, name));
    await settled();
    const member = scene.made.find(({ seen }) => seen.includes(name))!;
    if (member !== home) return { member, handed: member.find(name), answer };
    member.find(name).answer();
    await answer;
  }
  return assert.fail("no guest was used");
}

Deno.test("what belongs to the state of a session goes to its home", async () => {
  const it = await scene();
  await using _pool = it.pool;
  await say(it, it.alice, "logging/setLevel", { level: "info" });
  await say(it, it.alice, SUBSCRIBE, { uri: "a:b" });
  await say(it, it.alice, "ping");
  assert.deepEqual(it.home.seen, [
    "initialize",
    "notifications/initialized",
    "logging/setLevel",
    SUBSCRIBE,
    "ping",
  ]);
  assert.deepEqual(it.guests.flatMap(({ seen }) => seen), []);
});

Deno.test("sessions are spread over the members", async () => {
  await using it = poolScene({ min: 4, max: 4 });
  for (let i = 0; i < 200; i++) {
    await it.pool.handle(callOf(new ScriptedSession(`client ${i}`), request(1, "initialize", {})));
  }
  for (const { seen } of it.made) assert.ok(seen.length > 20, `${seen.length} of 200 sessions`);
});

Deno.test("another member is told who the client is before its first call there", async () => {
  const it = await scene();
  await using _pool = it.pool;
  await say(it, it.alice, "logging/setLevel", { level: "info" });
  await say(it, it.alice, SUBSCRIBE, { uri: "a:b" });
  const { member, handed, answer } = await callOnGuest(it, it.alice, it.home);
  assert.deepEqual(member.seen.slice(0, 2), ["initialize", "logging/setLevel"]);
  assert.equal(member.seen.length, 3);
  handed.answer();
  await answer;
  await say(it, it.alice, "logging/setLevel", { level: "error" });
  assert.equal(member.seen.at(-1), "logging/setLevel");
});

Deno.test("with affinity for sessions all calls go home, and wait for its room", async () => {
  const it = await scene({ affinity: "session", callsPerMember: 1 });
  await using _pool = it.pool;
  const answers = ["a", "b"].map((name) => it.pool.handle(toolCall(it.alice, name)));
  await settled();
  assert.equal(it.home.seen.at(-1), "a");
  it.home.find("a").answer();
  await settled();
  it.home.find("b").answer();
  await Promise.all(answers);
  assert.deepEqual(it.guests.flatMap(({ seen }) => seen), []);
});

Deno.test("a client waiting for its home keeps nobody else from a member", async () => {
  await using it = poolScene({ min: 2, max: 2, affinity: "session", callsPerMember: 1 });
  const clients = Array.from({ length: 20 }, (_, i) => new ScriptedSession(`client ${i}`));
  const answers = clients.map((client) => it.pool.handle(toolCall(client, "a")));
  await settled();
  assert.deepEqual(it.made.map(({ seen }) => seen.length), [1, 1]);
  for (let i = 0; i < clients.length; i++) {
    for (const member of it.made) member.handed.at(-1)!.answer();
    await settled();
  }
  assert.equal((await Promise.all(answers)).length, 20);
});

Deno.test("a server that keeps tasks for its clients is always asked on their home", async () => {
  await using it = poolScene({ min: 4, max: 4, strategy: "roundRobin" });
  await it.pool.prepare();
  await settled();
  for (const member of it.made) member.atOnce.delete("initialize");
  const alice = new ScriptedSession("alice");
  const initialized = it.pool.handle(callOf(alice, request(1, "initialize", {})));
  await settled();
  const home = it.made.find(({ seen }) => seen.length > 0)!;
  home.handed[0].answerWith(
    result(new TextEncoder().encode("1"), { capabilities: { tasks: { list: {} } } }),
  );
  await initialized;
  for (let i = 0; i < 5; i++) {
    const answer = it.pool.handle(toolCall(alice, `tool ${i}`));
    await settled();
    home.find(`tool ${i}`).answer();
    await answer;
  }
});

Deno.test("unasked news of the home reach the client; those that all members tell come once", async () => {
  const it = await scene();
  await using _pool = it.pool;
  const { handed, answer } = await callOnGuest(it, it.alice, it.home);
  const guest = handed.call.session;
  const home = it.home.handed[0].call.session;
  const tell = async (...methods: string[]) => {
    it.alice.told.length = 0;
    for (const method of methods) {
      await guest.notify(notification(method));
      await home.notify(notification(method));
    }
    return it.alice.told;
  };
  const changed = ["notifications/tools/list_changed", "notifications/resources/updated"];
  assert.deepEqual(await tell(...changed), changed);
  const log = "notifications/message";
  assert.deepEqual(await tell(log), [log, log]);
  handed.answer();
  await answer;
  assert.deepEqual(await tell(log), [log]);
});

Deno.test("questions of several members with the same ids are told apart", async () => {
  const it = await scene();
  await using _pool = it.pool;
  const { handed, answer, member } = await callOnGuest(it, it.alice, it.home);
  const question = request(1, "sampling/createMessage", { _meta: { progressToken: 7 } });
  const byCall = await handed.call.ask(question);
  const byHome = await it.home.handed[0].call.session.ask(question);
  assert.deepEqual([byCall.json().id, byHome.json().id], [1, 1]);
  const [first, second] = it.alice.asked.map((asked) => asked.json());
  assert.notEqual(first.id, second.id);
  const cancelled = notification("notifications/cancelled", { requestId: 1 });
  handed.call.session.cancelAsk(cancelled);
  assert.equal(it.alice.cancelledAsks[0].json().params.requestId, first.id);
  const token = first.params._meta.progressToken;
  await it.pool.handle(
    callOf(it.alice, notification("notifications/progress", { progressToken: token, progress: 1 })),
  );
  const progress = member.find("notifications/progress").call.message;
  assert.equal(progress.json().params.progressToken, 7);
  handed.answer();
  await answer;
});

Deno.test("a cancellation reaches the member that has the call, under the session it has it from", async () => {
  const it = await scene();
  await using _pool = it.pool;
  const { member, handed, answer } = await callOnGuest(it, it.alice, it.home);
  const seenHome = it.home.seen.length;
  const cancel = notification("notifications/cancelled", { requestId: 0 });
  await it.pool.handle(callOf(it.alice, cancel));
  assert.equal(member.seen.at(-1), "notifications/cancelled");
  assert.equal(member.handed.at(-1)!.call.session, handed.call.session);
  assert.equal(it.home.seen.length, seenHome);
  handed.answer();
  await answer;
});

Deno.test("when a home is lost, another is told everything at once, in the client's order", async () => {
  const it = await scene();
  await using _pool = it.pool;
  await say(it, it.alice, SUBSCRIBE, { uri: "a:kept" });
  await say(it, it.alice, SUBSCRIBE, { uri: "a:left" });
  for (const member of it.made) member.atOnce.add("resources/unsubscribe");
  await say(it, it.alice, "resources/unsubscribe", { uri: "a:left" });
  it.home.atOnce.delete("ping");
  const ping = say(it, it.alice, "ping").catch((error) => error);
  await settled();
  it.home.find("ping").fail(lost("unknown"));
  await ping;
  await settled();
  const next = it.guests.filter(({ seen }) => seen.length > 0);
  assert.equal(next.length, 1);
  assert.deepEqual(next[0].seen, ["initialize", "notifications/initialized", SUBSCRIBE]);
  assert.equal(next[0].find(SUBSCRIBE).call.message.uri, "a:kept");
  await say(it, it.alice, "ping");
  assert.equal(next[0].seen.at(-1), "ping");
});

Deno.test("when the only home is lost, it is started anew for the clients that listen", async () => {
  const clock = FakeTimers.install();
  try {
    await using it = poolScene();
    const alice = new ScriptedSession("alice");
    await it.pool.handle(callOf(alice, request(1, "initialize", {})));
    await it.pool.handle(callOf(alice, notification("notifications/initialized")));
    await say(it, alice, SUBSCRIBE, { uri: "a:b" });
    it.made[0].atOnce.delete("ping");
    const ping = say(it, alice, "ping").catch((error) => error);
    await settled();
    it.made[0].break("unknown");
    await ping;
    await clock.tickAsync(100);
    assert.deepEqual(it.made[1].seen, ["initialize", "notifications/initialized", SUBSCRIBE]);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a member with sessions whose state nobody else knows is not stopped", async () => {
  const clock = FakeTimers.install();
  try {
    await using it = poolScene({ min: 1, max: 6, callsPerMember: 1, affinity: "session" });
    await it.pool.prepare();
    const first = it.pool.handle(toolCall(new ScriptedSession("first"), "a"));
    await settled();
    assert.equal(it.made.length, 6);
    it.made[0].find("a").answer();
    await first;
    const clients = Array.from({ length: 40 }, (_, i) => new ScriptedSession(`client ${i}`));
    for (const client of clients) await it.pool.handle(callOf(client, request(1, "initialize")));
    await clock.tickAsync(600_000);
    assert.equal(it.counts.idle, 6);
    for (const client of clients) client.end();
    await clock.tickAsync(600_000);
    assert.equal(it.counts.idle, 1);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a session that has ended is forgotten", async () => {
  const it = await scene();
  await using _pool = it.pool;
  it.alice.end();
  const answer: Promise<Message | undefined> = it.pool.handle(toolCall(it.alice, "a"));
  await assert.rejects(answer);
});
