import assert from "node:assert/strict";
import { notification, request, result } from "../../lib/core/compose.ts";
import { memoryGateway } from "../fixtures/memory_gateway.ts";

const decoder = new TextDecoder();

Deno.test("a shared server is initialized once; clients with the same ids never cross", async () => {
  await using gateway = memoryGateway({ sharing: "shared" });
  const clients = Array.from({ length: 20 }, () => gateway.connect());
  const server = await gateway.server(0);
  const initialize = await server.next();
  server.send(
    result(initialize!.id!, { protocolVersion: "2024-11-05", serverInfo: { name: "s" } }),
  );
  assert.equal((await server.next())?.method, "notifications/initialized");
  const versions = await Promise.all(clients.map((client) => client.initialize()));
  for (const answer of versions) {
    assert.equal(answer.json().result.protocolVersion, "2025-11-25");
    assert.equal(answer.json().result.serverInfo.name, "s");
  }
  const rounds = 50;
  clients.forEach((client, who) => {
    for (let id = 0; id < rounds; id++) {
      client.send(request(id, "tools/call", { name: `${who}/${id}` }));
    }
  });
  const calls = [];
  for (let i = 0; i < clients.length * rounds; i++) calls.push((await server.next())!);
  calls.sort(() => Math.random() - 0.5);
  for (const call of calls) server.send(result(call.id!, { nonce: call.name }));
  for (const [who, client] of clients.entries()) {
    const seen = new Set<number>();
    for (let i = 0; i < rounds; i++) {
      const { id, result } = (await client.next())!.json();
      assert.equal(result.nonce, `${who}/${id}`);
      seen.add(id);
    }
    assert.equal(seen.size, rounds);
  }
});

Deno.test("a shared server's list changes reach every client, its requests only the one that waits", async () => {
  await using gateway = memoryGateway({ sharing: "shared" });
  const [a, b] = [gateway.connect(), gateway.connect()];
  const server = await gateway.server(0);
  server.send(result((await server.next())!.id!, { protocolVersion: "2025-11-25" }));
  assert.equal((await server.next())?.method, "notifications/initialized");
  await Promise.all([a.initialize(), b.initialize()]);
  server.send(notification("notifications/tools/list_changed"));
  assert.equal((await a.next())?.method, "notifications/tools/list_changed");
  assert.equal((await b.next())?.method, "notifications/tools/list_changed");
  server.send(request("nobody", "roots/list"));
  assert.equal((await server.next())!.json().error.code, -32601);
  b.send(request(1, "tools/call", { name: "t" }));
  const call = await server.next();
  server.send(request("who", "roots/list"));
  const asked = await b.next();
  assert.equal(asked?.method, "roots/list");
  b.send(result(asked!.id!, { roots: [] }));
  assert.equal((await server.next())!.json().id, "who");
  b.close();
  const cancelled = await server.next();
  assert.equal(cancelled?.method, "notifications/cancelled");
  assert.equal(decoder.decode(cancelled?.requestId), decoder.decode(call!.id));
});
