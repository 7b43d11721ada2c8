import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import type { Message } from "../../../lib/core/message.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { listChanged, memoryAggregate, type Script } from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

const next = async (client: Peer) => (await bounded(client.next(), "a message"))!;

let asked = 0;

async function ask(client: Peer, method: string, params = {}): Promise<Message> {
  client.send(request(++asked, method, params));
  return await next(client);
}

/** Names of all tools. */
async function toolsOf(client: Peer): Promise<string[]> {
  const { result } = (await ask(client, "tools/list")).json();
  return result.tools.map(({ name }: { name: string }) => name);
}

const TOOL: Script = { tools: ["t"] };

Deno.test("update() adds and removes servers for clients that are there, and tells them once", async () => {
  await using gateway = await memoryAggregate({ a: TOOL, b: TOOL });
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(await toolsOf(client), ["a__t", "b__t"]);
  await gateway.update({ c: TOOL, a: TOOL });
  const told = await next(client);
  assert.equal(told.method, "notifications/tools/list_changed");
  assert.deepEqual(await toolsOf(client), ["c__t", "a__t"]);
  const answer = await ask(client, "tools/call", { name: "c__t" });
  assert.equal(answer.json().result.from, "c");
  const [a, b, c] = gateway.servers;
  assert.equal(a.peers.length, 1, "the server that stays keeps its connection");
  assert.deepEqual(c.methods.slice(0, 2), ["initialize", "notifications/initialized"]);
  await bounded(b.closed(0), "the end of the server that left");
  const unknown = await ask(client, "tools/call", { name: "b__t" });
  assert.match(unknown.json().error.message, /unknown/);
});

Deno.test("update() lets a server that leaves answer, be cancelled and be told of progress", async () => {
  const holds: Script = { ...TOOL, onMessage: ({ method }) => method === "tools/call" };
  await using gateway = await memoryAggregate({ a: TOOL, b: holds });
  const client = gateway.connect();
  await client.initialize();
  await toolsOf(client);
  const [, b] = gateway.servers;
  client.send(request("held", "tools/call", { name: "b__t" }));
  const held = await bounded(b.got("tools/call"), "the call");
  client.send(request("x", "tools/call", { name: "b__t" }));
  await bounded(b.got("tools/call", 2), "the second call");
  await gateway.update({ a: TOOL });
  client.send(notification("notifications/cancelled", { requestId: "x" }));
  await bounded(b.got("notifications/cancelled"), "the cancellation");
  b.peers[0].send(result(held.id!, { content: [], from: "b" }));
  const messages = [await next(client), await next(client)].map((message) => message.json());
  const answer = messages.find(({ id }) => id === "held");
  assert.equal(answer.result.from, "b");
  assert.ok(messages.some(({ method }) => method === "notifications/tools/list_changed"));
  await bounded(b.closed(0), "its end");
});

Deno.test("update() moves subscriptions to the new server of a name", async () => {
  const script: Script = { resources: ["x:/1"] };
  await using gateway = await memoryAggregate({ a: script, b: TOOL });
  const client = gateway.connect();
  await client.initialize();
  await ask(client, "resources/subscribe", { uri: "x:/1" });
  await gateway.update({ a: { ...script, tools: ["new"] }, b: TOOL });
  const renewed = gateway.servers[2];
  const { uri } = await bounded(renewed.got("resources/subscribe"), "the subscription");
  assert.equal(uri, "x:/1");
});

Deno.test("update() keeps listen streams: new servers tell on them, those that left do not", async () => {
  const [a, b] = [{ ...TOOL, resources: ["x:/a"] }, { ...TOOL, resources: ["x:/b"] }];
  await using gateway = await memoryAggregate({ a, b });
  const client = gateway.connect();
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  await ask(client, "tools/list", { _meta });
  client.send(request("s", "subscriptions/listen", {
    notifications: { toolsListChanged: true, resourceSubscriptions: ["x:/a", "x:/b"] },
    _meta,
  }));
  const acknowledged = await next(client);
  assert.deepEqual(acknowledged.json().params.notifications.resourceSubscriptions, [
    "x:/a",
    "x:/b",
  ]);
  await gateway.update({ a, b: { ...b, tools: ["other"] }, c: TOOL });
  assert.equal((await next(client)).method, "notifications/tools/list_changed");
  const { result } = (await ask(client, "tools/list", { _meta })).json();
  // deno-lint-ignore no-explicit-any -- what a server lists
  assert.deepEqual(result.tools.map(({ name }: any) => name), ["a__t", "b__other", "c__t"]);
  const [, old, renewed, added] = gateway.servers;
  await bounded(old.closed(0), "the end of the server that left");
  const { uri } = await bounded(renewed.got("resources/subscribe"), "the subscription");
  assert.equal(uri, "x:/b");
  renewed.peers[0].send(notification("notifications/resources/updated", { uri: "x:/b" }));
  assert.equal((await next(client)).method, "notifications/resources/updated");
  added.peers[0].send(listChanged("tools"));
  assert.equal((await next(client)).method, "notifications/tools/list_changed");
});
