import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import type { Message } from "../../../lib/core/message.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import {
  ANSWER,
  type MemoryAggregate,
  memoryAggregate,
  type Script,
} from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

const next = async (client: Peer) => (await bounded(client.next(), "a message"))!;

/** A client whose servers have all seen its handshake. */
async function initialized(gateway: MemoryAggregate): Promise<Peer> {
  const client = gateway.connect();
  await client.initialize();
  for (const server of gateway.servers) {
    await bounded(server.got("notifications/initialized"), "initialized");
  }
  return client;
}

/** Keeps calls unanswered. */
const holdsCalls: Script = {
  tools: ["t"],
  onMessage: ({ method }) => method === "tools/call",
};

Deno.test("questions of two servers with the same id reach the client, and each its answer", async () => {
  await using gateway = await memoryAggregate({ a: {}, b: {} });
  const client = await initialized(gateway);
  const params = { _meta: { progressToken: 1 } };
  for (const { peers: [peer] } of gateway.servers) peer.send(request(1, "roots/list", params));
  const questions = [await next(client), await next(client)];
  assert.notDeepEqual(questions[0].json().id, questions[1].json().id);
  for (const question of questions) {
    const progressToken = question.json().params._meta.progressToken;
    client.send(notification("notifications/progress", { progressToken, progress: 1 }));
    client.send(result(question.id!, { roots: [], for: question.json().id }));
  }
  const answers = await Promise.all(gateway.servers.map(async (server) => {
    const progress = await bounded(server.got("notifications/progress"), "progress");
    assert.equal(progress.json().params.progressToken, 1);
    return (await bounded(server.got(ANSWER), "the answer")).json();
  }));
  assert.deepEqual(answers.map(({ id }) => id), [1, 1]);
  assert.notEqual(answers[0].result.for, answers[1].result.for);
});

Deno.test("a server that takes its question back takes only its own", async () => {
  await using gateway = await memoryAggregate({ a: {}, b: {} });
  const client = await initialized(gateway);
  const [a, b] = gateway.servers.map(({ peers: [peer] }) => peer);
  a.send(request(1, "roots/list"));
  const first = await next(client);
  b.send(request(1, "roots/list"));
  await next(client);
  a.send(notification("notifications/cancelled", { requestId: 1 }));
  const cancelled = await next(client);
  assert.deepEqual([cancelled.method, cancelled.json().params.requestId], [
    ...["notifications/cancelled", first.json().id],
  ]);
  client.send(request("ping", "ping"));
  assert.equal((await next(client)).json().id, "ping", "the other question stands");
});

Deno.test("a cancellation reaches the server of its call, and no other", async () => {
  await using gateway = await memoryAggregate({ a: holdsCalls, b: holdsCalls });
  const client = await initialized(gateway);
  client.send(request(5, "tools/call", { name: "b__t" }));
  const call = await gateway.servers[1].got("tools/call");
  client.send(notification("notifications/cancelled", { requestId: 5 }));
  const cancelled = await bounded(gateway.servers[1].got("notifications/cancelled"), "cancelled");
  assert.deepEqual(cancelled.json().params.requestId, call.json().id);
  assert.equal(gateway.servers[0].methods.includes("notifications/cancelled"), false);
  client.send(request(6, "ping"));
  assert.equal((await next(client)).json().id, 6);
});

Deno.test("a call that is cancelled while its server hangs is never sent", async () => {
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate({ a: { tools: ["t"], awake: awake.promise } });
  const client = gateway.connect();
  await client.initialize();
  client.send(request(5, "tools/call", { name: "a__t" }));
  client.send(notification("notifications/cancelled", { requestId: 5 }));
  client.send(request(6, "tools/call", { name: "a__t" }));
  awake.resolve();
  assert.equal((await next(client)).json().id, 6);
  assert.equal(gateway.servers[0].methods.filter((method) => method === "tools/call").length, 1);
  assert.deepEqual(gateway.routed.map(({ outcome }) => outcome), ["cancelled", "ok"]);
});

Deno.test("progress of a call comes under the client's token, log lines as they are", async () => {
  const asks: Script = {
    tools: ["t"],
    onMessage(message: Message, _server, peer) {
      if (message.method !== "tools/call") return false;
      const { progressToken } = message.json().params._meta;
      peer.send(notification("notifications/progress", { progressToken, progress: 1 }));
      peer.send(notification("notifications/message", { level: "info", data: 1 }));
      peer.send(result(message.id!, { content: [] }));
      return true;
    },
  };
  await using gateway = await memoryAggregate({ a: asks, b: asks });
  const client = await initialized(gateway);
  client.send(request(1, "tools/call", { name: "b__t", _meta: { progressToken: "mine" } }));
  assert.equal((await next(client)).json().params.progressToken, "mine");
  assert.equal((await next(client)).method, "notifications/message");
  assert.equal((await next(client)).json().id, 1);
});

Deno.test("roots/list_changed and the log level go to all servers", async () => {
  await using gateway = await memoryAggregate({ a: {}, b: {} });
  const client = await initialized(gateway);
  client.send(request(1, "logging/setLevel", { level: "none" }));
  assert.equal((await next(client)).json().error.code, -32602);
  client.send(request(2, "logging/setLevel", { level: "error" }));
  assert.deepEqual((await next(client)).json().result, {});
  client.send(notification("notifications/roots/list_changed"));
  for (const server of gateway.servers) {
    const { params } = (await bounded(server.got("logging/setLevel"), "level")).json();
    assert.deepEqual(params, { level: "error" });
    await bounded(server.got("notifications/roots/list_changed"), "roots");
  }
});

Deno.test("each client has connections of its own, which end with it", async () => {
  await using gateway = await memoryAggregate({ a: {} });
  const first = await initialized(gateway);
  const second = await initialized(gateway);
  second.send(request(1, "ping"));
  await next(second);
  assert.equal(gateway.servers[0].peers.length, 2);
  await first.close();
  await bounded(gateway.servers[0].closed(0), "the end of its connection");
  second.send(request(2, "tools/list"));
  await next(second);
});

Deno.test("a connection that is idle is closed, and opened again with the handshake", async () => {
  await using gateway = await memoryAggregate({
    a: { tools: ["t"], idleStopMs: 50 },
    b: { tools: ["t"] },
  });
  const client = await initialized(gateway);
  client.send(request(1, "logging/setLevel", { level: "error" }));
  await next(client);
  const [a] = gateway.servers;
  await bounded(a.closed(0), "the end of the idle connection");
  client.send(request(2, "tools/call", { name: "a__t" }));
  assert.equal((await next(client)).json().result.from, "a");
  assert.deepEqual(a.methods, [
    ...["initialize", "notifications/initialized", "logging/setLevel"],
    ...["initialize", "notifications/initialized", "logging/setLevel", "tools/call"],
  ]);
  assert.equal(gateway.servers[1].peers.length, 1);
});

Deno.test("an eager server is reached before there is a client, a lazy one is not", async () => {
  await using gateway = await memoryAggregate({ a: { start: "eager" }, b: {} });
  await bounded(gateway.servers[0].got("initialize"), "the handshake");
  assert.deepEqual(gateway.servers[1].methods, []);
});
