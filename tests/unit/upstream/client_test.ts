import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import { memoryGateway } from "../../fixtures/memory_gateway.ts";

const INITIALIZED = { protocolVersion: "2025-11-25", capabilities: {} };

Deno.test("a call that its client cancels while the server is found again is never sent", async () => {
  let isDown = false;
  await using gateway = memoryGateway({
    refuseDials: () => isDown,
  });
  const client = gateway.connect();
  const first = await gateway.server(0);
  client.send(request(0, "initialize", INITIALIZED));
  first.send(result((await first.next())!.id!, INITIALIZED));
  await client.next();
  client.send(notification("notifications/initialized"));
  await first.next();
  isDown = true;
  await first.close();
  client.send(request(1, "tools/call", { name: "t" }));
  assert.equal((await client.next())!.json().error.data.outcome, "not_sent");
  isDown = false;
  client.send(request(2, "tools/call", { name: "cancelled" }));
  client.send(request(3, "tools/call", { name: "wanted" }));
  client.send(notification("notifications/cancelled", { requestId: 2 }));
  const second = await gateway.server(1);
  second.send(result((await second.next())!.id!, INITIALIZED));
  assert.equal((await second.next())?.method, "notifications/initialized");
  const call = (await second.next())!;
  assert.equal(call.name, "wanted");
  second.send(result(call.id!, {}));
  assert.equal((await client.next())!.json().id, 3);
});

Deno.test("calls that wait while a server dies in its second handshake were not sent", async () => {
  await using gateway = memoryGateway();
  const client = gateway.connect();
  const first = await gateway.server(0);
  client.send(request(0, "initialize", INITIALIZED));
  first.send(result((await first.next())!.id!, INITIALIZED));
  await client.next();
  client.send(notification("notifications/initialized"));
  await first.next();
  await first.close();
  client.send(request(1, "tools/call", { name: "t" }));
  for (const again of [1, 2]) { // a request that was not sent is tried once more
    const server = await gateway.server(again);
    assert.equal((await server.next())?.method, "initialize");
    await server.close();
  }
  const { code, data } = (await client.next())!.json().error;
  assert.deepEqual([code, data.outcome], [-31001, "not_sent"]);
});

Deno.test("a server that is slow to shake hands keeps its connection; only those who wait give up", async () => {
  await using gateway = memoryGateway({ sharing: "shared", deadlineMs: 200 });
  const client = gateway.connect();
  const server = await gateway.server(0);
  client.send(request(0, "initialize", INITIALIZED));
  const handshake = (await server.next())!;
  const { code, data } = (await client.next())!.json().error;
  assert.deepEqual([code, data.outcome], [-31002, "not_sent"]);
  server.send(result(handshake.id!, INITIALIZED));
  client.send(request(1, "initialize", INITIALIZED));
  assert.equal((await client.next())!.json().result.protocolVersion, "2025-11-25");
  assert.equal((await server.next())?.method, "notifications/initialized");
  assert.equal(gateway.dialled(), 1);
});
