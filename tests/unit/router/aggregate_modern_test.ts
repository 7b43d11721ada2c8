import assert from "node:assert/strict";
import { notification, request } from "../../../lib/core/compose.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { listChanged, memoryAggregate } from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
};
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

const modern = (id: string, method: string, params: Record<string, unknown> = {}) =>
  request(id, method, { ...params, _meta: META });

async function ask(client: Peer, method: string, params?: Record<string, unknown>) {
  client.send(modern(method, method, params));
  return (await bounded(client.next(), method))!.json();
}

Deno.test("server/discover and lists are answered as the era without handshake has them", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["t"] }, b: { tools: ["t"] } });
  const client = gateway.connect();
  const { result: discovered } = await ask(client, "server/discover");
  assert.deepEqual(discovered.supportedVersions, ["2026-07-28"]);
  assert.equal(discovered.resultType, "complete");
  const { result } = await ask(client, "tools/list");
  assert.deepEqual([result.resultType, result.ttlMs, result.cacheScope], [
    ...["complete", 0, "private"],
  ]);
  assert.deepEqual(result._meta["io.modelcontextprotocol/serverInfo"].name, "sluice");
  // deno-lint-ignore no-explicit-any -- what a server lists
  assert.deepEqual(result.tools.map(({ name }: any) => name), ["a__t", "b__t"]);
  const called = await ask(client, "tools/call", { name: "b__t", arguments: {} });
  assert.equal(called.result.from, "b");
  assert.equal((await ask(client, "no/such")).error.code, -32601);
});

Deno.test("a listen stream is of all servers; what they tell comes on it, changes once", async () => {
  await using gateway = await memoryAggregate({
    a: { tools: ["t"], resources: ["file:///x"] },
    b: { tools: ["t"], resources: ["file:///x"] },
  });
  const client = gateway.connect();
  client.send(modern("s", "subscriptions/listen", {
    notifications: {
      toolsListChanged: true,
      resourceSubscriptions: ["b+file:///x", "file:///x", "file:///nobody"],
    },
  }));
  const acknowledged = (await bounded(client.next(), "the acknowledgement"))!.json();
  assert.equal(acknowledged.method, "notifications/subscriptions/acknowledged");
  assert.equal(acknowledged.params._meta[SUBSCRIPTION], "s");
  assert.deepEqual(acknowledged.params.notifications, {
    toolsListChanged: true,
    resourceSubscriptions: ["file:///x", "b+file:///x"],
  });
  const [a, b] = gateway.servers.map(({ peers: [peer] }) => peer);
  b.send(notification("notifications/resources/updated", { uri: "file:///x" }));
  const updated = (await bounded(client.next(), "resources/updated"))!.json();
  assert.deepEqual([updated.params.uri, updated.params._meta[SUBSCRIPTION]], [
    ...["b+file:///x", "s"],
  ]);
  for (const peer of [a, b, a]) peer.send(listChanged("tools"));
  b.send(listChanged("prompts")); // nobody asked for these
  const changed = (await bounded(client.next(), "list_changed"))!.json();
  assert.equal(changed.method, "notifications/tools/list_changed");
  assert.equal(changed.params._meta[SUBSCRIPTION], "s");
  client.send(notification("notifications/cancelled", { requestId: "s" }));
  assert.ok((await ask(client, "tools/list")).result, "nothing else was told");
});

Deno.test("a listen stream tells of servers that come late", async () => {
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate({
    a: { tools: ["t"] },
    late: { tools: ["t"], awake: awake.promise },
  });
  const client = gateway.connect();
  client.send(modern("s", "subscriptions/listen", { notifications: { toolsListChanged: true } }));
  await bounded(client.next(), "the acknowledgement");
  assert.equal((await ask(client, "tools/list")).result.tools.length, 1);
  awake.resolve();
  const changed = (await bounded(client.next(), "list_changed"))!;
  assert.equal(changed.method, "notifications/tools/list_changed");
  assert.equal((await ask(client, "tools/list")).result.tools.length, 2);
});

Deno.test("a listen request without a filter is refused", async () => {
  await using gateway = await memoryAggregate({ a: {}, b: {} });
  const { error } = await ask(gateway.connect(), "subscriptions/listen");
  assert.equal(error.code, -32602);
});
