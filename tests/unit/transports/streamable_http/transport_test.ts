import assert from "node:assert/strict";
import { notification, request, result } from "../../../../lib/core/compose.ts";
import type { Batch, Connection } from "../../../../lib/core/connection.ts";
import { GatewayError } from "../../../../lib/core/errors.ts";
import { Message } from "../../../../lib/core/message.ts";
import {
  type StreamableHttpListener,
  type StreamableHttpOptions,
  StreamableHttpTransport,
} from "../../../../transports/streamable_http/transport.ts";
import { EchoGateway } from "../../../fixtures/http_echo_gateway.ts";

interface Scene {
  readonly gateway: EchoGateway;
  readonly listener: StreamableHttpListener;
  readonly connection: Connection;
  send(...messages: Message[]): Promise<void>;
  next(): Promise<Message>;
}

const never = new AbortController().signal;

async function withScene(
  act: (scene: Scene) => Promise<void>,
  options: StreamableHttpOptions = {},
): Promise<void> {
  const transport = new StreamableHttpTransport(options);
  const listener = await transport.listen({ url: new URL("http://127.0.0.1:0") }, never);
  const gateway = new EchoGateway(listener);
  const connection = await transport.dial({ url: listener.url }, never);
  const writer = connection.writable.getWriter();
  const reader = connection.readable.getReader();
  const waiting: Message[] = [];
  const next = async () => {
    while (waiting.length === 0) {
      const { value, done } = await reader.read();
      assert.ok(!done, "the connection ended");
      waiting.push(...value as Batch);
    }
    return waiting.shift()!;
  };
  try {
    await act({ gateway, listener, connection, next, send: (...batch) => writer.write(batch) });
  } finally {
    await connection[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
    listener.http.destroyConnections();
    await gateway.served;
    await listener.http.closed;
  }
}

const INITIALIZE = request(0, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});
const INITIALIZED = notification("notifications/initialized");

Deno.test("a Streamable HTTP connection carries the handshake, then session id and version", async () => {
  await withScene(async ({ gateway, send, next, connection }) => {
    await send(INITIALIZE, INITIALIZED, request(1, "echo", { a: 1 }));
    assert.equal((await next()).json().result.serverInfo.name, "echo");
    assert.deepEqual((await next()).json(), { jsonrpc: "2.0", id: 1, result: { a: 1 } });
    const headers = gateway.exchanges.filter((exchange) => exchange.method === "POST")
      .map(({ request }) => [
        request.header("mcp-session-id"),
        request.header("mcp-protocol-version"),
      ]);
    const learned = ["echo-session", "2025-11-25"];
    assert.deepEqual(headers, [[undefined, undefined], learned, learned]);
    assert.deepEqual(gateway.received.map(({ method }) => method), [
      "initialize",
      "notifications/initialized",
      "echo",
    ]);
    await connection[Symbol.asyncDispose]();
    await connection.closed;
    assert.equal(gateway.exchanges.at(-1)!.method, "DELETE");
  });
});

Deno.test("a Streamable HTTP answer carries the message's bytes untouched, streamed or not", async () => {
  await withScene(async ({ gateway, send, next }) => {
    const text = '{"result": {"n": 1.0, "big": 12345678901234567890}, "jsonrpc":"2.0", "id": 1}';
    for (const streamed of [false, true]) {
      await send(request(1, "hold"));
      await gateway.until(() => gateway.held.length === 1);
      const exchange = gateway.held.pop()!;
      if (streamed) await exchange.send([]);
      exchange.finish(Message.from(new TextEncoder().encode(text)));
      assert.equal(new TextDecoder().decode((await next()).bytes), text);
    }
  });
});

Deno.test("an answer that answers something else fails the request", async () => {
  await withScene(async ({ gateway, send, next }) => {
    await send(request(1, "hold"));
    await gateway.until(() => gateway.held.length === 1);
    gateway.held[0].finish(result(new TextEncoder().encode("2"), {}));
    const { id, error } = (await next()).json();
    assert.deepEqual([id, error.code], [1, -31006]);
  });
});

Deno.test("a Streamable HTTP exchange streams notifications before its answer", async () => {
  await withScene(async ({ send, next }) => {
    await send(request("s", "stream", { count: 20 }));
    for (let i = 0; i < 20; i++) assert.equal((await next()).json().params.data, i);
    assert.deepEqual((await next()).json(), { jsonrpc: "2.0", id: "s", result: { done: true } });
  });
});

Deno.test("a Streamable HTTP connection runs requests side by side on few sockets", async () => {
  await withScene(async ({ listener, send, next }) => {
    const ids = new Set<number>();
    for (let round = 0; round < 20; round++) {
      await send(...Array.from({ length: 50 }, (_, i) => request(round * 50 + i, "echo", { i })));
      for (let i = 0; i < 50; i++) ids.add((await next()).json().id);
    }
    assert.equal(ids.size, 1000);
    assert.ok(
      listener.http.accepted <= 60,
      `${listener.http.accepted} connections for 1000 requests`,
    );
  });
});

Deno.test("a Streamable HTTP connection gets what the server says by itself", async () => {
  await withScene(async ({ gateway, send, next }) => {
    await send(INITIALIZE, INITIALIZED);
    await next();
    await gateway.until(() => gateway.streams.length === 1);
    await gateway.streams[0].send([notification("notifications/tools/list_changed")]);
    assert.equal((await next()).method, "notifications/tools/list_changed");
    gateway.streams[0].finish();
    await gateway.until(() => gateway.streams.length === 2);
    await gateway.streams[1].send([notification("notifications/prompts/list_changed")]);
    assert.equal((await next()).method, "notifications/prompts/list_changed");
  }, { client: { retryMs: 1 } });
});

Deno.test("a refused request gets the server's error under its own id", async () => {
  await withScene(async ({ send, next }) => {
    await send(request(9, "refuse"));
    const { id, error } = (await next()).json();
    assert.deepEqual([id, error.code, error.message], [9, -31004, "Cannot answer: too often"]);
  });
});

Deno.test("a session that the server forgot ends the connection after its requests were answered", async () => {
  await withScene(async ({ gateway, send, next, connection }) => {
    await send(INITIALIZE);
    await next();
    await send(request(1, "hold"));
    await gateway.until(() => gateway.held.length === 1);
    const unknown = new GatewayError("InvalidRequest", "Cannot find session", { status: 404 });
    gateway.held[0].refuse(unknown, gateway.received.at(-1)!.id);
    assert.deepEqual((await next()).json().error.data, { outcome: "not_sent" });
    await assert.rejects(connection.closed, { name: "TransportError" });
  });
});

Deno.test("a cancelled request is given up when its cancellation was delivered", async () => {
  await withScene(async ({ gateway, send, next }) => {
    await send(request(1, "hold"));
    await gateway.until(() => gateway.held.length === 1);
    await send(notification("notifications/cancelled", { requestId: 1 }));
    await gateway.held[0].closed;
    await send(request(2, "echo"));
    assert.equal((await next()).json().id, 2);
  });
});

Deno.test("a cancelled request may have its stream ended just as it is given up", async () => {
  await withScene(async ({ gateway, send, next }) => {
    for (let id = 1; id <= 50; id++) {
      await send(request(id, "hold"));
      await gateway.until(() => gateway.held.length === id);
      await gateway.held[id - 1].send([notification("notifications/message", { data: id })]);
      await next();
      const arrived = gateway.exchanges.length;
      await send(notification("notifications/cancelled", { requestId: id }));
      await gateway.until(() => gateway.exchanges.length > arrived);
      gateway.held[id - 1].finish();
    }
  });
});

Deno.test("dial() rejects with a TransportError when nobody listens", async () => {
  const transport = new StreamableHttpTransport();
  const listener = await transport.listen({ url: new URL("http://127.0.0.1:0") }, never);
  await listener[Symbol.asyncDispose]();
  await assert.rejects(transport.dial({ url: listener.url }, never), { name: "TransportError" });
});

Deno.test("a request whose server is not there any more fails alone, as not sent", async () => {
  await withScene(async ({ listener, send, next }) => {
    await send(request(1, "echo"));
    await next();
    await listener[Symbol.asyncDispose]();
    listener.http.destroyConnections();
    await listener.http.closed;
    await send(request(2, "echo"));
    const { id, error } = (await next()).json();
    assert.deepEqual([id, error.code, error.data], [2, -31001, { outcome: "not_sent" }]);
  });
});
