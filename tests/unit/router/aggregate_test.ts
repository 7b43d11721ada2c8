import assert from "node:assert/strict";
import { notification, request } from "../../../lib/core/compose.ts";
import { Message } from "../../../lib/core/message.ts";
import { exposedName } from "../../../lib/router/names.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { type MemoryAggregate, memoryAggregate } from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function ask(client: Peer, method: string, params?: unknown) {
  client.send(request(method, method, params));
  return (await bounded(client.next(), method))!.json();
}

async function initialized(gateway: MemoryAggregate): Promise<Peer> {
  const client = gateway.connect();
  await client.initialize();
  return client;
}

// deno-lint-ignore no-explicit-any -- what a test looks into
const names = (items: any[], key = "name") => items.map((item) => item[key]);

Deno.test("initialize is answered at once, though no server has answered", async () => {
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate({ a: { awake: awake.promise } });
  const client = gateway.connect();
  const { result } = (await bounded(client.initialize(), "initialize")).json();
  assert.deepEqual(result.serverInfo, { name: "sluice", version: "1.2.3" });
  assert.equal(result.protocolVersion, "2025-11-25");
  assert.deepEqual(Object.keys(result.capabilities), [
    ...["tools", "prompts", "resources", "completions", "logging"],
  ]);
  awake.resolve();
});

Deno.test("each server gets the client's own handshake, in order, before anything else", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["x"] }, b: { tools: ["x"] } });
  const client = gateway.connect();
  client.send(request(1, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: { roots: { listChanged: true } },
    clientInfo: { name: "c", version: "1" },
  }));
  client.send(notification("notifications/initialized"));
  client.send(request(2, "logging/setLevel", { level: "debug" }));
  client.send(request(3, "tools/list"));
  for (let i = 0; i < 3; i++) await bounded(client.next(), "an answer");
  for (const server of gateway.servers) {
    assert.deepEqual(server.methods, [
      ...["initialize", "notifications/initialized", "logging/setLevel", "tools/list"],
    ]);
    const { params } = server.received[0].json();
    assert.deepEqual(params.capabilities, { roots: { listChanged: true } });
    assert.deepEqual(params.clientInfo, { name: "c", version: "1" });
  }
});

Deno.test("tools/list has the tools of all servers, all pages, without those denied", async () => {
  await using gateway = await memoryAggregate({
    a: { tools: ["one", "two", "three"], pageItems: 1 },
    b: { tools: ["one", "secret", "x y"], filter: { deny: ["sec*"] } },
    c: { prompts: ["p"] },
  });
  const client = await initialized(gateway);
  const { result } = await ask(client, "tools/list");
  const [last, ...others] = names(result.tools).toReversed();
  assert.deepEqual(others.toReversed(), ["a__one", "a__two", "a__three", "b__one"]);
  assert.match(last, /^b__x_y_h[0-9a-f]{12}$/);
  assert.equal(result.nextCursor, undefined);
  assert.deepEqual(names((await ask(client, "prompts/list")).result.prompts), ["c__p"]);
  assert.equal(gateway.servers[2].methods.includes("tools/list"), false, "it has no tools");
});

Deno.test("a call goes to its server under its own name, arguments byte for byte", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["t"] }, b: { tools: ["t"] } });
  const client = await initialized(gateway);
  const args = '{"a":1.0, "b":1e2,"c":-0,"é":"\\u00e9"}';
  client.send(Message.from(encoder.encode(
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"b__t","arguments":${args}}}`,
  )));
  assert.equal((await client.next())!.json().result.from, "b");
  const seen = await gateway.servers[1].got("tools/call");
  assert.equal(decoder.decode(seen.arguments), args);
  assert.equal(seen.name, "t");
  assert.deepEqual(gateway.servers[0].methods.includes("tools/call"), false);
  assert.deepEqual(gateway.routed, [{ upstream: "b", method: "tools/call", outcome: "ok" }]);
});

Deno.test("names that no server has are refused, and no server is asked", async () => {
  await using gateway = await memoryAggregate({
    a: { tools: ["t", "no"], filter: { deny: ["no"] } },
  });
  const client = await initialized(gateway);
  for (const name of ["t", "b__t", "a__no", "a", "a__"]) {
    const { error } = await ask(client, "tools/call", { name });
    assert.equal(error.code, -32602);
    assert.ok(error.message.includes(name), error.message);
  }
  assert.equal((await ask(client, "no/such")).error.code, -32601);
  assert.equal(gateway.servers[0].methods.includes("tools/call"), false);
  assert.equal(gateway.servers[0].methods.includes("tools/list"), false);
});

Deno.test("a changed name is looked up in the lists, which are asked for once", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["x y"], prompts: [] } });
  const client = await initialized(gateway);
  const name = exposedName("a", "x y");
  for (let i = 0; i < 2; i++) {
    const { result } = await ask(client, "tools/call", { name });
    assert.equal(result.params.name, "x y");
  }
  assert.equal(gateway.servers[0].methods.filter((name) => name === "tools/list").length, 1);
});

Deno.test("resources keep their URI; where an earlier server has it, a scheme tells the later one", async () => {
  await using gateway = await memoryAggregate({
    a: { resources: ["file:///x", "file:///a"] },
    b: { resources: ["file:///x"], templates: ["db://{id}"], hidden: ["hidden:b"] },
    c: { tools: ["t"] },
  });
  const client = await initialized(gateway);
  const { result } = await ask(client, "resources/list");
  assert.deepEqual(names(result.resources, "uri"), ["file:///x", "file:///a", "b+file:///x"]);
  const read = async (uri: string) => (await ask(client, "resources/read", { uri })).result;
  assert.equal((await read("file:///x")).from, "a");
  const prefixed = await read("b+file:///x");
  assert.deepEqual([prefixed.from, prefixed.uri], ["b", "file:///x"]);
  assert.equal((await read("db://7")).from, "b", "by its template");
  assert.equal((await read("hidden:b")).from, "b", "nobody lists it");
  const { error } = await ask(client, "resources/read", { uri: "nobody:knows" });
  assert.equal(error.code, -32602);
  assert.equal(gateway.servers[2].methods.includes("resources/read"), false);
});

Deno.test("a changed resource is told under the URI that the client knows", async () => {
  await using gateway = await memoryAggregate({
    a: { resources: ["file:///x"] },
    b: { resources: ["file:///x", "file:///b"] },
  });
  const client = await initialized(gateway);
  await ask(client, "resources/subscribe", { uri: "b+file:///x" });
  await ask(client, "resources/subscribe", { uri: "file:///b" });
  const [peer] = gateway.servers[1].peers;
  for (const uri of ["file:///x", "file:///b"]) {
    peer.send(notification("notifications/resources/updated", { uri }));
  }
  const told = [(await client.next())!.uri, (await client.next())!.uri];
  assert.deepEqual(told, ["b+file:///x", "file:///b"]);
});

Deno.test("completions go where their prompt or resource is", async () => {
  await using gateway = await memoryAggregate({
    a: { prompts: ["p"], templates: ["a://{x}"] },
    b: { prompts: ["p"], templates: ["a://{x}"] },
  });
  const client = await initialized(gateway);
  const argument = { name: "n", value: "v" };
  const complete = async (ref: unknown) =>
    (await ask(client, "completion/complete", { ref, argument })).result;
  const byName = await complete({ type: "ref/prompt", name: "b__p" });
  assert.deepEqual([byName.from, byName.params.ref.name], ["b", "p"]);
  const byUri = await complete({ type: "ref/resource", uri: "b+a://{x}" });
  assert.deepEqual([byUri.from, byUri.params.ref.uri, byUri.params.argument], [
    ...["b", "a://{x}", argument],
  ]);
});

Deno.test("a list that is long comes in pages, until it changes", async () => {
  const tools = Array.from({ length: 3 }, (_, i) => `${i}`.padEnd(600_000, "x"));
  await using gateway = await memoryAggregate({ a: { tools }, b: { tools: ["t"] } });
  const client = await initialized(gateway);
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const { result } = await ask(client, "tools/list", { cursor });
    found.push(...names(result.tools));
    cursor = result.nextCursor;
  } while (cursor !== undefined);
  assert.equal(found.length, 4);
  assert.equal(found[3], "b__t");
  const { error } = await ask(client, "tools/list", { cursor: "1.other" });
  assert.equal(error.code, -32602);
});
