import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import type { CatalogueStore, KeptList } from "../../../lib/router/catalogue.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { listChanged, memoryAggregate } from "../../fixtures/memory_aggregate.ts";
import type { Peer } from "../../fixtures/memory_gateway.ts";

// deno-lint-ignore no-explicit-any -- what a test looks into
async function tools(client: Peer): Promise<any> {
  client.send(request("list", "tools/list"));
  const { result } = (await bounded(client.next(), "tools/list"))!.json();
  // deno-lint-ignore no-explicit-any -- likewise
  return result.tools.map((tool: any) => tool.name);
}

/** Everything that is already on its way arrives before the answer to a ping. */
async function before(client: Peer): Promise<string[]> {
  client.send(request("ping", "ping"));
  const methods: string[] = [];
  for (;;) {
    const message = await bounded(client.next(), "the answer to ping");
    if (message!.kind === "response") return methods;
    methods.push(message!.method!);
  }
}

/** A store in memory, as two runs after each other have it. */
function memoryStore(): CatalogueStore {
  const files = new Map<string, readonly KeptList[]>();
  return {
    read: (fingerprint) => Promise.resolve(files.get(fingerprint) ?? []),
    write: (fingerprint, lists) => void files.set(fingerprint, lists()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("a list does not wait for servers that hang; when they come, it has changed once", async () => {
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate({
    late: { tools: ["l"], awake: awake.promise },
    a: { tools: ["t"] },
    later: { tools: ["m"], awake: awake.promise },
  });
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(await tools(client), ["a__t"]);
  assert.deepEqual(await tools(client), ["a__t"], "it does not wait a second time");
  awake.resolve();
  const told = await bounded(client.next(), "list_changed");
  assert.equal(told!.method, "notifications/tools/list_changed");
  assert.deepEqual(await tools(client), ["late__l", "a__t", "later__m"]);
  assert.deepEqual(await before(client), []);
});

Deno.test("in the next run the list is there before its servers are, and no change is told", async () => {
  const store = memoryStore();
  {
    await using gateway = await memoryAggregate({ a: { tools: ["t"] } }, { store });
    const client = gateway.connect();
    await client.initialize();
    await tools(client);
  }
  const awake = Promise.withResolvers<void>();
  const hangs = { tools: ["t"], awake: awake.promise };
  await using gateway = await memoryAggregate({ a: hangs }, { store });
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(await tools(client), ["a__t"]);
  assert.deepEqual(gateway.servers[0].methods, []);
  awake.resolve();
  await gateway.servers[0].got("tools/list");
  assert.deepEqual(await tools(client), ["a__t"]);
  assert.deepEqual(await before(client), []);
});

Deno.test("what a server lists instead of what is remembered is told as a change", async () => {
  const store = memoryStore();
  {
    await using gateway = await memoryAggregate({ a: { tools: ["old"] } }, { store });
    const client = gateway.connect();
    await client.initialize();
    await tools(client);
  }
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate(
    { a: { tools: ["new"], awake: awake.promise } },
    { store },
  );
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(await tools(client), ["a__old"]);
  awake.resolve();
  const told = await bounded(client.next(), "list_changed");
  assert.equal(told!.method, "notifications/tools/list_changed");
  assert.deepEqual(await tools(client), ["a__new"]);
});

Deno.test("what was remembered for other capabilities is not shown", async () => {
  const store = memoryStore();
  {
    await using gateway = await memoryAggregate({ a: { tools: ["t"] } }, { store });
    const client = gateway.connect();
    await client.initialize();
    await tools(client);
  }
  const awake = Promise.withResolvers<void>();
  await using gateway = await memoryAggregate(
    { a: { tools: ["t"], awake: awake.promise } },
    { store },
  );
  const client = gateway.connect();
  const capabilities = { sampling: {} };
  client.send(request(1, "initialize", { protocolVersion: "2025-11-25", capabilities }));
  await client.next();
  assert.deepEqual(await tools(client), []);
  awake.resolve();
});

Deno.test("a server that fails is left out, told of, and asked again", async () => {
  let isDown = true;
  await using gateway = await memoryAggregate({
    a: { tools: ["t"] },
    b: { tools: ["t"], isDown: () => isDown },
  });
  const client = gateway.connect();
  await client.initialize();
  assert.deepEqual(await tools(client), ["a__t"]);
  assert.ok(gateway.failures.some(({ upstream }) => upstream === "b"));
  assert.ok(gateway.failures.every(({ upstream }) => upstream === "b"));
  isDown = false;
  const told = await bounded(client.next(), "list_changed");
  assert.equal(told!.method, "notifications/tools/list_changed");
  assert.deepEqual(await tools(client), ["a__t", "b__t"]);
});

Deno.test("changes of several servers at once are told once", async () => {
  await using gateway = await memoryAggregate({ a: { tools: ["t"] }, b: { tools: ["t"] } });
  const client = gateway.connect();
  await client.initialize();
  await tools(client);
  for (const server of gateway.servers) {
    server.script = { tools: ["t", "u"] };
    for (let i = 0; i < 3; i++) server.peers[0].send(listChanged("tools"));
  }
  await bounded(client.next(), "list_changed");
  assert.deepEqual(await tools(client), ["a__t", "a__u", "b__t", "b__u"]);
  assert.deepEqual(await before(client), []);
});
