import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import type { Message } from "../../../lib/core/message.ts";
import { memoryGateway, type Peer } from "../../fixtures/memory_gateway.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

/** Answers the probe of the gateway as a server of the sessionless era. */
async function discovered(server: Peer): Promise<void> {
  const probe = (await server.next())!;
  assert.equal(probe.method, "server/discover");
  server.send(
    result(probe.id!, {
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      capabilities: {},
    }),
  );
}

const LISTEN = '"notifications":{"toolsListChanged":true}';
const CHANGED = "notifications/tools/list_changed";
const on = (listen: Message, method: string) =>
  raw(
    `{"jsonrpc":"2.0","method":"${method}","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":${
      new TextDecoder().decode(listen.id)
    }}, "notifications" : {"toolsListChanged":true} }}`,
  );

Deno.test("a listen stream passes through: only the subscription id changes", async () => {
  await using gateway = memoryGateway({ era: "auto" });
  const client = gateway.connect();
  client.send(modern("9007199254740993", "subscriptions/listen", LISTEN));
  const server = await gateway.server(0);
  await discovered(server);
  const listen = (await server.next())!;
  server.send(on(listen, "notifications/subscriptions/acknowledged"));
  assert.equal(
    text(await client.next()),
    '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":' +
      '{"io.modelcontextprotocol/subscriptionId":9007199254740993}, "notifications" : {"toolsListChanged":true} }}',
  );
  const end = `{"jsonrpc":"2.0","id":${new TextDecoder().decode(listen.id)},"result":` +
    `{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":${
      new TextDecoder().decode(listen.id)
    }}}}`;
  server.send(raw(end));
  const ended = (await client.next())!;
  assert.equal(new TextDecoder().decode(ended.id), "9007199254740993");
  assert.match(text(ended)!, /"io.modelcontextprotocol\/subscriptionId":9007199254740993/);
});

for (const sharing of ["perSession", "shared"] as const) {
  Deno.test(`notifications of a listen stream that has ended reach nobody (${sharing})`, async () => {
    await using gateway = memoryGateway({ era: "auto", sharing });
    const client = gateway.connect();
    client.send(modern('"a"', "subscriptions/listen", LISTEN));
    const server = await gateway.server(0);
    await discovered(server);
    const listen = (await server.next())!;
    server.send(on(listen, "notifications/subscriptions/acknowledged"));
    await client.next();
    client.send(notification("notifications/cancelled", { requestId: "a" }));
    const cancelled = (await server.next())!;
    assert.deepEqual(cancelled.requestId, listen.id);
    server.send(on(listen, CHANGED));
    client.send(modern("1", "tools/list"));
    const list = (await server.next())!;
    server.send(result(list.id!, { resultType: "complete", tools: [] }));
    assert.equal((await client.next())!.kind, "response");
    assert.equal(gateway.late(), 1);
  });
}

Deno.test("a client whose stream breaks costs the others nothing", async () => {
  await using gateway = memoryGateway({ era: "auto" });
  const broken = gateway.post(modern("1", "subscriptions/listen", LISTEN));
  const server = await gateway.server(0);
  await discovered(server);
  const listen = (await server.next())!;
  const well = gateway.post(modern("1", "tools/list"));
  const list = (await server.next())!;
  broken.breakStream();
  server.send(on(listen, CHANGED));
  server.send(result(list.id!, { resultType: "complete", tools: [] }));
  assert.deepEqual((await well.next())!.json().result.tools, []);
  broken.leave();
});

Deno.test("a server that cancels a listen request has ended its stream in good order", async () => {
  await using gateway = memoryGateway({ era: "auto" });
  const client = gateway.connect();
  client.send(modern('"é"', "subscriptions/listen", LISTEN));
  const server = await gateway.server(0);
  await discovered(server);
  const listen = (await server.next())!;
  server.send(notification("notifications/cancelled", { requestId: 0 }).withRequestId(listen.id!));
  const { id, result: end } = (await client.next())!.json();
  assert.equal(id, "é");
  assert.deepEqual(end, {
    resultType: "complete",
    _meta: { "io.modelcontextprotocol/subscriptionId": "é" },
  });
});
