import assert from "node:assert/strict";
import { failure, notification, request, result } from "../../lib/core/compose.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { Message } from "../../lib/core/message.ts";
import { memoryGateway, type Peer } from "../fixtures/memory_gateway.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const text = (message: Message | undefined) => decoder.decode(message?.bytes);

/** Initializes a client and its server; returns both. */
async function pair(gateway: ReturnType<typeof memoryGateway>, n = 0): Promise<[Peer, Peer]> {
  const client = gateway.connect();
  const initialized = client.initialize();
  const server = await gateway.server(n);
  const initialize = await server.next();
  assert.equal(initialize?.method, "initialize");
  server.send(result(initialize.id!, { protocolVersion: "2025-11-25", capabilities: {} }));
  await initialized;
  assert.equal((await server.next())?.method, "notifications/initialized");
  return [client, server];
}

Deno.test("a request passes through byte for byte, ids apart", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  const params = '{"name":"t","arguments":{"a":1.0,"b":1e2,"c":-0,"é":"\\u00e9"}}';
  client.send(
    Message.from(encoder.encode(
      `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":${params}}`,
    )),
  );
  const seen = await server.next();
  assert.equal(
    text(seen),
    `{"jsonrpc":"2.0","id":${decoder.decode(seen!.id)},"method":"tools/call","params":${params}}`,
  );
  server.send(
    Message.from(
      encoder.encode(`{"jsonrpc":"2.0","result":{"x":1.0},"id":${decoder.decode(seen!.id)}}`),
    ),
  );
  assert.equal(
    text(await client.next()),
    '{"jsonrpc":"2.0","result":{"x":1.0},"id":9007199254740993}',
  );
});

Deno.test("the modern probe is answered at once, without asking the server", async () => {
  await using gateway = memoryGateway();
  const client = gateway.connect();
  client.send(request("server-discover-probe-1", "server/discover", {}));
  const answer = (await client.next())!.json();
  assert.equal(answer.id, "server-discover-probe-1");
  assert.equal(answer.error.code, -32601);
});

Deno.test("a second request with an id in flight is refused, the first is answered once", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(5, "tools/list"));
  const first = await server.next();
  client.send(request(5, "tools/list"));
  const refused = (await client.next())!.json();
  assert.deepEqual([refused.id, refused.error.code], [5, -32600]);
  server.send(result(first!.id!, { first: true }));
  assert.deepEqual((await client.next())!.json(), {
    jsonrpc: "2.0",
    id: 5,
    result: { first: true },
  });
  client.send(request(5, "tools/list"));
  assert.equal((await server.next())?.method, "tools/list");
});

Deno.test("progress comes back under the client's token, before the answer", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request("r", "tools/call", { name: "t", _meta: { progressToken: "mine" } }));
  const seen = (await server.next())!.json();
  assert.notEqual(seen.params._meta.progressToken, "mine");
  for (const progress of [1, 2]) {
    server.send(
      notification("notifications/progress", {
        progressToken: seen.params._meta.progressToken,
        progress,
      }),
    );
  }
  server.send(result(encoder.encode(String(seen.id)), {}));
  const received = [];
  for (let i = 0; i < 3; i++) received.push((await client.next())!.json());
  assert.deepEqual(received.map(({ params }) => params?.progress), [1, 2, undefined]);
  assert.equal(received[0].params.progressToken, "mine");
  assert.equal(received[2].id, "r");
});

Deno.test("a cancellation reaches the server under its id; the late answer is dropped and counted", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request("slow", "tools/call", { name: "t" }));
  const call = await server.next();
  client.send(notification("notifications/cancelled", { requestId: "slow", reason: "r" }));
  const cancelled = (await server.next())!;
  assert.equal(cancelled.method, "notifications/cancelled");
  assert.equal(decoder.decode(cancelled.requestId), decoder.decode(call!.id));
  server.send(result(call!.id!, { late: true }));
  client.send(request("next", "tools/list"));
  server.send(result((await server.next())!.id!, {}));
  assert.equal((await client.next())!.json().id, "next");
  assert.equal(gateway.late(), 1);
  assert.deepEqual(gateway.answered.map(({ outcome }) => outcome), ["ok", "cancelled", "ok"]);
});

Deno.test("requests of the server reach the client and the answer finds its way back", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  server.send(request("ask-1", "roots/list"));
  server.send(request(7, "sampling/createMessage", { _meta: { progressToken: 3 } }));
  const [roots, sampling] = [(await client.next())!, (await client.next())!];
  assert.equal(roots.method, "roots/list");
  client.send(notification("notifications/progress", {
    progressToken: sampling.json().params._meta.progressToken,
    progress: 1,
  }));
  client.send(result(sampling.id!, { role: "assistant" }));
  client.send(result(roots.id!, { roots: [] }));
  const answers = [(await server.next())!, (await server.next())!, (await server.next())!]
    .map((message) => message.json());
  assert.equal(answers[0].params.progressToken, 3);
  assert.deepEqual(answers[1], { jsonrpc: "2.0", id: 7, result: { role: "assistant" } });
  assert.deepEqual(answers[2], { jsonrpc: "2.0", id: "ask-1", result: { roots: [] } });
});

Deno.test("a ping of the server is answered by the gateway, a ping of the client by the server", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  server.send(request("p", "ping"));
  assert.deepEqual((await server.next())!.json(), { jsonrpc: "2.0", id: "p", result: {} });
  client.send(request(1, "ping"));
  const ping = await server.next();
  assert.equal(ping?.method, "ping");
  server.send(result(ping!.id!, {}));
  assert.equal((await client.next())!.json().id, 1);
});

Deno.test("a server that cancels its own request is heard", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  server.send(request("e", "elicitation/create", {}));
  const asked = await client.next();
  server.send(notification("notifications/cancelled", { requestId: "e" }));
  const cancelled = (await client.next())!;
  assert.equal(decoder.decode(cancelled.requestId), decoder.decode(asked!.id));
});

Deno.test("calls in flight fail with an unknown outcome when the server is lost; later calls find a new one", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/call", { name: "t" }));
  await server.next();
  await server.close();
  const lost = (await client.next())!.json();
  assert.equal(lost.error.code, -31001);
  assert.deepEqual(lost.error.data, { outcome: "unknown" });
  client.send(request(2, "tools/list"));
  const second = await gateway.server(1);
  const again = await second.next();
  assert.equal(again?.method, "initialize");
  assert.equal(again?.json().params.protocolVersion, "2025-11-25");
  second.send(result(again!.id!, { protocolVersion: "2025-11-25" }));
  assert.equal((await second.next())?.method, "notifications/initialized");
  second.send(result((await second.next())!.id!, { tools: [] }));
  assert.deepEqual((await client.next())!.json().result, { tools: [] });
});

Deno.test("a server that cannot be reached is told as not_sent", async () => {
  await using gateway = memoryGateway({ refuseDials: () => true });
  const client = gateway.connect();
  client.send(request(1, "initialize", {}));
  const { error } = (await client.next())!.json();
  assert.equal(error.code, -31001);
  assert.deepEqual(error.data, { outcome: "not_sent" });
});

Deno.test("a call without an answer fails at its deadline, and the server is told", async () => {
  await using gateway = memoryGateway({ deadlineMs: 50 });
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/call", { name: "t" }));
  const call = await server.next();
  const cancelled = await server.next();
  assert.equal(cancelled?.method, "notifications/cancelled");
  assert.equal(decoder.decode(cancelled?.requestId), decoder.decode(call!.id));
  assert.equal((await client.next())!.json().error.code, -31002);
});

Deno.test("content that is no message costs one error and nothing else", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(Message.from(encoder.encode('{"jsonrpc":"2.0","id":3,"method":5}')));
  const refused = (await client.next())!.json();
  assert.deepEqual([refused.id, refused.error.code], [3, -32600]);
  client.send(request(4, "tools/call", {}));
  const missing = (await client.next())!.json();
  assert.deepEqual([missing.id, missing.error.code], [4, -32602]);
  client.send(request(5, "tools/list"));
  server.send(result((await server.next())!.id!, {}));
  assert.equal((await client.next())!.json().id, 5);
});

Deno.test("errors of the server pass through as they are", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "resources/list"));
  const { id } = (await server.next())!;
  server.send(failure(id, new GatewayError("MethodNotFound", "nope", { data: [1] })));
  assert.deepEqual((await client.next())!.json().error, {
    code: -32601,
    message: "nope",
    data: [1],
  });
  assert.deepEqual(gateway.answered.at(-1), { method: "resources/list", outcome: "error" });
});

Deno.test("every client has a server of its own, and both end with the client", async () => {
  await using gateway = memoryGateway();
  const [first, firstServer] = await pair(gateway, 0);
  const [second, secondServer] = await pair(gateway, 1);
  firstServer.send(notification("notifications/tools/list_changed"));
  assert.equal((await first.next())?.method, "notifications/tools/list_changed");
  await first.close();
  assert.equal(await firstServer.next(), undefined);
  second.send(request(1, "tools/list"));
  secondServer.send(result((await secondServer.next())!.id!, {}));
  assert.equal((await second.next())?.json().id, 1);
});

Deno.test("a client that ends its input still gets the answers to what it asked", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/list"));
  const call = await server.next();
  const closing = client.close();
  server.send(result(call!.id!, {}));
  await closing;
  assert.equal(await server.next(), undefined);
  assert.deepEqual(gateway.answered.at(-1), { method: "tools/list", outcome: "ok" });
});

Deno.test("drain() refuses new calls, waits for the running ones, and ends the sessions", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/call", { name: "t" }));
  const call = await server.next();
  const drained = gateway.drain(new AbortController().signal);
  client.send(request(2, "tools/list"));
  const refused = (await client.next())!.json();
  assert.deepEqual([refused.id, refused.error.code], [2, -31005]);
  server.send(result(call!.id!, { done: true }));
  assert.equal((await client.next())!.json().result.done, true);
  await drained;
  assert.equal(await client.next(), undefined);
  assert.equal(await server.next(), undefined);
});

Deno.test("the hard end of a drain answers running calls with an unknown outcome", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/call", { name: "t" }));
  await server.next();
  const stop = new AbortController();
  const drained = gateway.drain(stop.signal);
  stop.abort();
  const { error } = (await client.next())!.json();
  assert.equal(error.code, -31001);
  assert.deepEqual(error.data, { outcome: "unknown" });
  await drained;
});

Deno.test("a request that certainly was not sent is tried once more", async () => {
  await using gateway = memoryGateway();
  const [client, server] = await pair(gateway);
  client.send(request(1, "tools/call", { name: "t" }));
  const unsent = new GatewayError("UpstreamUnavailable", "no", { data: { outcome: "not_sent" } });
  server.send(failure((await server.next())!.id, unsent));
  server.send(failure((await server.next())!.id, unsent));
  assert.deepEqual((await client.next())!.json().error.data, { outcome: "not_sent" });
});
