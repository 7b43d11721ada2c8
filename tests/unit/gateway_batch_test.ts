import assert from "node:assert/strict";
import { result } from "../../lib/core/compose.ts";
import { Message } from "../../lib/core/message.ts";
import { memoryGateway } from "../fixtures/memory_gateway.ts";

const encoder = new TextEncoder();

Deno.test("batches are taken from clients of 2025-03-26 and refused from all others", async () => {
  await using gateway = memoryGateway();
  const batch = Message.from(encoder.encode(
    '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"bad":1}]',
  ));
  const client = gateway.connect();
  client.send(batch);
  assert.equal((await client.next())!.json().error.code, -32600);
  const initialized = client.initialize();
  const server = await gateway.server(0);
  server.send(result((await server.next())!.id!, { protocolVersion: "2025-03-26" }));
  await initialized;
  assert.equal((await server.next())?.method, "notifications/initialized");
  client.send(batch);
  const ping = await server.next();
  assert.equal(ping?.method, "ping");
  assert.equal((await server.next())?.method, "notifications/x");
  assert.equal((await client.next())!.json().error.code, -32600);
  server.send(result(ping!.id!, {}));
  assert.equal((await client.next())!.json().id, 1);
});
