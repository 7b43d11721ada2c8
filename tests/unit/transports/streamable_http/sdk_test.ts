import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { EmptyResultSchema, type Notification } from "@modelcontextprotocol/sdk/types.js";
import { notification, request } from "../../../../lib/core/compose.ts";
import type { Message } from "../../../../lib/core/message.ts";
import { StreamableHttpTransport } from "../../../../transports/streamable_http/transport.ts";
import { EchoGateway } from "../../../fixtures/http_echo_gateway.ts";
import { SdkServer, type SdkServerOptions } from "../../../fixtures/http_sdk_server.ts";

const never = new AbortController().signal;

interface Talk {
  readonly server: SdkServer;
  send(...messages: Message[]): Promise<void>;
  next(): Promise<Message>;
}

async function withSdkServer(
  options: SdkServerOptions,
  act: (talk: Talk) => Promise<void>,
): Promise<void> {
  await using server = await SdkServer.start(options);
  const transport = new StreamableHttpTransport({ client: { retryMs: 1 } });
  await using connection = await transport.dial({ url: server.url }, never);
  const writer = connection.writable.getWriter();
  const reader = connection.readable.getReader();
  const waiting: Message[] = [];
  const next = async () => {
    if (waiting.length === 0) waiting.push(...(await reader.read()).value!);
    return waiting.shift()!;
  };
  const send = (...batch: Message[]) => writer.write(batch);
  await send(INITIALIZE, notification("notifications/initialized"));
  assert.equal((await next()).json().result.protocolVersion, "2025-11-25");
  await act({ server, send, next });
}

const INITIALIZE = request(0, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});

function call(id: number, name: string, args: unknown = {}): Message {
  return request(id, "tools/call", { name, arguments: args });
}

for (const json of [false, true]) {
  Deno.test(`the client talks to the SDK's server when it answers in ${json ? "JSON" : "events"}`, async () => {
    await withSdkServer({ json }, async ({ server, send, next }) => {
      await send(request(1, "tools/list"));
      assert.equal((await next()).json().result.tools.length, 3);
      for (let round = 0; round < 10; round++) {
        await send(...Array.from({ length: 20 }, (_, i) => call(100 + i, "echo", { i })));
        const ids = new Set<number>();
        for (let i = 0; i < 20; i++) ids.add((await next()).json().id);
        assert.equal(ids.size, 20);
      }
      assert.ok(server.connections <= 25, `${server.connections} connections for 203 requests`);
      await send(request(2, "no/such/method"));
      assert.equal((await next()).json().error.code, -32601);
    });
  });
}

Deno.test("the client hands on what the SDK's server streams before an answer and by itself", async () => {
  await withSdkServer({}, async ({ server, send, next }) => {
    await send(call(1, "notify"));
    for (let i = 0; i < 3; i++) assert.equal((await next()).json().params.data, i);
    assert.equal((await next()).json().id, 1);
    await server.listened;
    await server.announce();
    assert.equal((await next()).method, "notifications/tools/list_changed");
  });
});

Deno.test("the client resumes a stream that the SDK's server closed before the answer", async () => {
  await withSdkServer({ resumable: true }, async ({ server, send, next }) => {
    await send(call(1, "drop"));
    for (let i = 0; i < 3; i++) assert.equal((await next()).json().params.data, i);
    assert.equal((await next()).json().id, 1);
    assert.ok(server.methods.filter((method) => method === "GET").length >= 2);
  });
});

Deno.test("the client ends the session of the SDK's server when it is disposed", async () => {
  await using server = await SdkServer.start();
  const connection = await new StreamableHttpTransport().dial({ url: server.url }, never);
  const writer = connection.writable.getWriter();
  await writer.write([INITIALIZE]);
  const reader = connection.readable.getReader();
  await reader.read();
  await connection[Symbol.asyncDispose]();
  assert.equal(server.methods.at(-1), "DELETE");
  assert.equal((await reader.read()).done, true);
});

Deno.test("the SDK's client talks to the server side", async () => {
  const listener = await new StreamableHttpTransport()
    .listen({ url: new URL("http://127.0.0.1:0") }, never);
  const gateway = new EchoGateway(listener);
  const transport = new StreamableHTTPClientTransport(listener.url);
  const client = new Client({ name: "sdk", version: "1" });
  await client.connect(transport);
  assert.equal(transport.sessionId, "echo-session");
  assert.equal(client.getServerVersion()?.name, "echo");
  await client.ping();
  const seen: unknown[] = [];
  client.fallbackNotificationHandler = ({ method, params }: Notification) => {
    seen.push(method === "notifications/message" ? params!.data : method);
    return Promise.resolve();
  };
  await client.request({ method: "stream", params: { count: 3 } }, EmptyResultSchema.passthrough());
  assert.deepEqual(seen, [0, 1, 2]);
  await gateway.until(() => gateway.streams.length === 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  client.fallbackNotificationHandler = () => Promise.resolve(resolve());
  await gateway.streams[0].send([notification("notifications/tools/list_changed")]);
  await promise;
  await transport.terminateSession();
  await client.close();
  await listener[Symbol.asyncDispose]();
  listener.http.destroyConnections();
  await gateway.served;
  await listener.http.closed;
});
