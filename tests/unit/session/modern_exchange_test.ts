import assert from "node:assert/strict";
import { failure, notification, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import { type MemoryGateway, memoryGateway, type Peer } from "../../fixtures/memory_gateway.ts";
import { headersOf, modern, raw, text } from "../../fixtures/modern_messages.ts";

const TOOL = modern("9007199254740993", "tools/call", '"name":"t"');
const LISTEN = modern('"l"', "subscriptions/listen", '"notifications":{"toolsListChanged":true}');

/** A gateway in front of a server without handshakes, once its first request was posted. */
async function scene(message: Message, gateway: MemoryGateway) {
  const posted = gateway.post(message);
  const server = await gateway.server(0);
  return { posted, server, got: (await server.next())! };
}

const id = ({ id }: Message) => new TextDecoder().decode(id);

Deno.test("a posted request passes byte for byte, ids apart, and its answer is one document", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const { posted, server, got } = await scene(TOOL, gateway);
  assert.equal(text(got), text(TOOL)!.replace("9007199254740993", id(got)));
  server.send(raw(`{"jsonrpc":"2.0","id":${id(got)},"result":{"x":1.0,"é":"\\u00e9"}}`));
  assert.equal(
    text(await posted.next()),
    '{"jsonrpc":"2.0","id":9007199254740993,"result":{"x":1.0,"é":"\\u00e9"}}',
  );
  assert.deepEqual([posted.status, posted.isStreaming], [200, false]);
});

Deno.test("progress is streamed before the answer, under the client's token", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const message = raw(text(TOOL)!.replace('"_meta":{', '"_meta":{"progressToken":1.0,'));
  const { posted, server, got } = await scene(message, gateway);
  server.send(
    notification("notifications/progress", { progressToken: 0, progress: 1 })
      .withProgressToken(got.progressToken!),
  );
  server.send(result(got.id!, {}));
  assert.match(text(await posted.next())!, /"progressToken":1.0,"progress":1/);
  assert.equal((await posted.next())!.kind, "response");
  assert.ok(posted.isStreaming);
});

Deno.test("errors of the server keep the HTTP status that the protocol gives them", async () => {
  const rows = [
    ["MethodNotFound", 404],
    ["HeaderMismatch", 400],
    ["MissingCapability", 400],
    ["UnsupportedVersion", 400],
    ["InvalidParams", 200],
    ["InternalError", 200],
  ] as const;
  for (const [name, status] of rows) {
    await using gateway = memoryGateway({ era: "modern" });
    const { posted, server, got } = await scene(TOOL, gateway);
    server.send(failure(got.id, new GatewayError(name, "no", { data: { x: 1 } })));
    assert.deepEqual((await posted.next())!.json().error.data, { x: 1 });
    assert.equal(posted.status, status, name);
  }
});

Deno.test("a client that closes its answer has cancelled the request", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const { posted, server, got } = await scene(TOOL, gateway);
  posted.leave();
  const cancelled = (await server.next())!;
  assert.equal(cancelled.method, "notifications/cancelled");
  assert.deepEqual(cancelled.requestId, got.id);
  server.send(result(got.id!, {}));
  const next = await scene(modern("1", "tools/list"), gateway);
  next.server.send(result(next.got.id!, {}));
  await next.posted.next();
  assert.deepEqual(gateway.answered.map(({ outcome }) => outcome), ["cancelled", "ok"]);
});

Deno.test("requests with the same id do not meet", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const posted = Array.from(
    { length: 20 },
    (_, n) => gateway.post(modern("1", "tools/call", `"name":"${n}"`)),
  );
  const server = await gateway.server(0);
  const got = [];
  for (let i = 0; i < posted.length; i++) got.push((await server.next())!);
  for (const message of got.reverse()) server.send(result(message.id!, { echo: message.name }));
  for (const [n, one] of posted.entries()) {
    const answer = (await one.next())!.json();
    assert.deepEqual([answer.id, answer.result.echo], [1, `${n}`]);
  }
});

Deno.test("what is no request is answered without asking the server", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const headers = { "mcp-protocol-version": "2026-07-28" };
  const told = gateway.post(notification("notifications/initialized"), headers);
  await told.closed;
  assert.equal(told.status, 202);
  const answered = gateway.post(raw('{"jsonrpc":"2.0","id":1,"result":{}}'), headers);
  assert.equal((await answered.next())!.json().error.code, -32600);
  assert.equal(answered.status, 400);
  const bare = gateway.post(request(7, "tools/list"), { ...headers, "mcp-method": "tools/list" });
  const { id, error } = (await bare.next())!.json();
  assert.deepEqual([id, error.code, bare.status], [7, -32602, 400]);
  assert.equal(gateway.dialled(), 0);
});

Deno.test("a refusal of the headers is a document with status 400", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const posted = gateway.post(TOOL, { ...headersOf(TOOL), "mcp-name": "other" });
  assert.equal((await posted.next())!.json().error.code, -32020);
  assert.equal(posted.status, 400);
});

Deno.test("a question towards a sessionless client is refused: it is asked in answers", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const { posted, server, got } = await scene(TOOL, gateway);
  server.send(request("q", "roots/list"));
  const { id, error } = (await server.next())!.json();
  assert.equal(id, "q");
  assert.equal(error.code, -32601);
  server.send(result(got.id!, {}));
  await posted.next();
});

async function acknowledged(server: Peer, got: Message): Promise<void> {
  server.send(
    raw(
      `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":${
        id(got)
      }},"notifications":{}}}`,
    ),
  );
  await Promise.resolve();
}

Deno.test("draining ends listen streams with a complete result under their subscription id", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const { posted, server, got } = await scene(LISTEN, gateway);
  await acknowledged(server, got);
  assert.equal((await posted.next())!.method, "notifications/subscriptions/acknowledged");
  const stdio = gateway.connect();
  stdio.send(raw(text(LISTEN)!.replace('"l"', "1.0")));
  await acknowledged(await gateway.server(1), (await (await gateway.server(1)).next())!);
  await stdio.next();
  const drained = gateway.drain(new AbortController().signal);
  const [end, ended] = await Promise.all([posted.next(), stdio.next()]);
  assert.deepEqual(end!.json(), {
    jsonrpc: "2.0",
    id: "l",
    result: { resultType: "complete", _meta: { "io.modelcontextprotocol/subscriptionId": "l" } },
  });
  assert.equal(
    text(ended),
    '{"jsonrpc":"2.0","id":1.0,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1.0}}}',
  );
  await Promise.all([stdio, server, await gateway.server(1)].map((peer) => peer.discard()));
  await drained;
});

Deno.test("draining gives up a call that does not end, its outcome unknown", async () => {
  await using gateway = memoryGateway({ era: "modern" });
  const { posted, server } = await scene(TOOL, gateway);
  const stop = new AbortController();
  const drained = gateway.drain(stop.signal);
  const late = posted.next();
  stop.abort();
  await Promise.all([drained, server.discard()]);
  assert.deepEqual((await late)!.json().error.data, { outcome: "unknown" });
});

for (const era of ["legacy", "modern"] as const) {
  Deno.test(`a gateway for ${era} clients only refuses the others`, async () => {
    await using gateway = memoryGateway({ era: "modern", clientEra: era });
    if (era === "legacy") {
      const probe = gateway.post(modern("1", "server/discover"));
      assert.equal((await probe.next())!.json().error.code, -32601);
      assert.equal((await gateway.post(TOOL).next())!.json().error.code, -32600);
    } else {
      const refused = gateway.post(request(1, "initialize", { protocolVersion: "2025-11-25" }), {});
      assert.equal((await refused.next())!.json().error.code, -32022);
      const client = gateway.connect();
      client.send(request(1, "initialize", { protocolVersion: "2025-11-25" }));
      assert.equal((await client.next())!.json().error.code, -32022);
    }
  });
}
