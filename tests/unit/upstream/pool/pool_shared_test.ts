import assert from "node:assert/strict";
import { notification, request, result } from "../../../../lib/core/compose.ts";
import type { Message } from "../../../../lib/core/message.ts";
import { EraConversations } from "../../../../lib/era/conversations.ts";
import { Pool } from "../../../../lib/upstream/pool/pool.ts";
import { SharedUpstream } from "../../../../lib/upstream/shared.ts";
import { memoryPair } from "../../../../transports/memory.ts";
import { Peer } from "../../../fixtures/memory_gateway.ts";
import { callOf, ScriptedSession, toolCall } from "../../../fixtures/scripted_pool.ts";

const LIMITS = { callDeadlineMs: 60_000, callDeadlineHardMs: 60_000, callsOpenMax: 1000 };

/** A pool of connections to servers that the test plays, all with their handshake made. */
async function scene(members: number) {
  const servers: Promise<Peer>[] = [];
  const dial = () => {
    const [ours, theirs] = memoryPair();
    servers.push(greeted(new Peer(theirs)));
    return Promise.resolve(ours);
  };
  const events = { lateAnswer() {}, badMessage() {} };
  const ready = Promise.withResolvers<void>();
  let started = 0;
  const pool = new Pool(
    "test",
    {
      min: members,
      max: members,
      strategy: "roundRobin",
      callsPerMember: Infinity,
      affinity: "state",
      checkoutMs: 5000,
      idleMs: 60_000,
      queue: 100,
    },
    () => new SharedUpstream("test", dial, events, LIMITS, new EraConversations("legacy")),
    { moved: (_, to) => to === "idle" && ++started === members && ready.resolve(), failed() {} },
  );
  await pool.prepare();
  await ready.promise;
  const peers = await Promise.all(servers);
  return {
    pool,
    servers: peers,
    async [Symbol.asyncDispose]() {
      const discarded = peers.map((peer) => peer.discard());
      await pool[Symbol.asyncDispose]();
      await Promise.all(discarded);
    },
  };
}

async function greeted(peer: Peer): Promise<Peer> {
  const initialize = await peer.next();
  peer.send(result(initialize!.id!, { protocolVersion: "2025-11-25", capabilities: {} }));
  assert.equal((await peer.next())!.method, "notifications/initialized");
  return peer;
}

/** Calls a tool on every member; what they got, in the order of the servers. */
async function callOnAll(it: Awaited<ReturnType<typeof scene>>, alice: ScriptedSession) {
  const calls = it.servers.map((_, i) => toolCall(alice, `tool ${i}`));
  const answers = calls.map((call) => it.pool.handle(call));
  const got: Message[] = [];
  for (const server of it.servers) got.push((await server.next())!);
  return { calls, answers, got };
}

Deno.test("calls of one session run on all members, and come back under their ids", async () => {
  await using it = await scene(3);
  const alice = new ScriptedSession("alice");
  await it.pool.handle(callOf(alice, request(0, "initialize", { capabilities: {} })));
  const { calls, answers, got } = await callOnAll(it, alice);
  assert.deepEqual(got.map(({ name }) => name).sort(), ["tool 0", "tool 1", "tool 2"]);
  it.servers.forEach((server, i) => server.send(result(got[i].id!, { name: got[i].name })));
  for (const [i, answer] of (await Promise.all(answers)).entries()) {
    assert.equal(answer!.json().result.name, `tool ${i}`);
    assert.deepEqual(answer!.id, calls[i].message.id);
  }
});

Deno.test("a cancellation reaches the server that has the call, under the id it knows", async () => {
  await using it = await scene(3);
  const alice = new ScriptedSession("alice");
  await it.pool.handle(callOf(alice, request(0, "initialize", { capabilities: {} })));
  const { calls, answers, got } = await callOnAll(it, alice);
  const has = got.findIndex(({ name }) => name === "tool 1");
  const requestId = calls[1].message.json().id;
  const refused = assert.rejects(answers[1], /cancelled/);
  await it.pool.handle(callOf(alice, notification("notifications/cancelled", { requestId })));
  const told = (await it.servers[has].next())!;
  assert.equal(told.method, "notifications/cancelled");
  assert.deepEqual(told.requestId, got[has].id);
  await refused;
  it.servers.forEach((server, i) => i !== has && server.send(result(got[i].id!, {})));
  await Promise.all([answers[0], answers[2]]);
});

Deno.test("when a session ends, every server that has a call of it is told", async () => {
  await using it = await scene(3);
  const alice = new ScriptedSession("alice");
  await it.pool.handle(callOf(alice, request(0, "initialize", { capabilities: {} })));
  const { answers, got } = await callOnAll(it, alice);
  const refused = Promise.all(answers.map((answer) => assert.rejects(answer)));
  alice.end();
  for (const [i, server] of it.servers.entries()) {
    const told = (await server.next())!;
    assert.equal(told.method, "notifications/cancelled");
    assert.deepEqual(told.requestId, got[i].id);
  }
  await refused;
});

Deno.test("a change that all servers tell of reaches the client once, a question of any its client", async () => {
  await using it = await scene(3);
  const alice = new ScriptedSession("alice");
  await it.pool.handle(callOf(alice, request(0, "initialize", { capabilities: {} })));
  const { answers, got } = await callOnAll(it, alice);
  for (const server of it.servers) {
    server.send(notification("notifications/tools/list_changed"));
    server.send(request(1, "sampling/createMessage", {}));
  }
  for (const server of it.servers) assert.equal((await server.next())!.json().id, 1);
  assert.deepEqual(alice.told, ["notifications/tools/list_changed"]);
  const ids = alice.asked.map((asked) => asked.json().id);
  assert.equal(new Set(ids).size, 3);
  it.servers.forEach((server, i) => server.send(result(got[i].id!, {})));
  await Promise.all(answers);
});
