import assert from "node:assert/strict";
import http from "node:http";
import { GatewayError } from "../../../../lib/core/errors.ts";
import { Message } from "../../../../lib/core/message.ts";
import { acceptedForms } from "../../../../transports/streamable_http/accept.ts";
import {
  type StreamableHttpListener,
  type StreamableHttpOptions,
  StreamableHttpTransport,
} from "../../../../transports/streamable_http/transport.ts";
import { EchoGateway } from "../../../fixtures/http_echo_gateway.ts";
import { rawAnswer, RawClient } from "../../../fixtures/http_raw.ts";

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

interface Scene {
  readonly listener: StreamableHttpListener;
  readonly gateway: EchoGateway;
  readonly port: number;
  ask(method: string, headers?: Record<string, string>, body?: string | Uint8Array): Promise<Reply>;
}

const JSON_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
const SESSIONLESS = { accept: "text/event-stream", "mcp-protocol-version": "2026-07-28" };
const ECHO = '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}';
const STREAM = '{"jsonrpc":"2.0","id":1,"method":"stream","params":{"count":2}}';

const HOLD = '{"jsonrpc":"2.0","id":1,"method":"hold"}';
const HELD = Message.from(new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"result":{}}'));

/** A POST of {@link HOLD} as bytes. */
function post(accept: string): string {
  return `POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
    `accept: ${accept}\r\ncontent-length: ${HOLD.length}\r\n\r\n${HOLD}`;
}

async function withScene(
  act: (scene: Scene) => Promise<void>,
  options: StreamableHttpOptions = {},
): Promise<void> {
  const listener = await new StreamableHttpTransport(options)
    .listen({ url: new URL("http://127.0.0.1:0") }, new AbortController().signal);
  const gateway = new EchoGateway(listener);
  const { port } = listener.http;
  const ask: Scene["ask"] = (method, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const options = { port, host: "127.0.0.1", path: "/mcp", method, headers, agent: false };
      const req = http.request(options as http.RequestOptions, (res) => {
        let text = "";
        res.on("data", (chunk) => text += chunk);
        res.on("end", () => resolve({ status: res.statusCode!, headers: res.headers, text }));
      });
      req.on("error", reject);
      req.end(body);
    });
  try {
    await act({ listener, gateway, port, ask });
  } finally {
    await listener[Symbol.asyncDispose]();
    listener.http.destroyConnections();
    await gateway.served;
    await listener.http.closed;
  }
}

function errorOf({ text }: Reply): { code: number; message: string; data?: unknown } {
  const { jsonrpc, id, error } = JSON.parse(text);
  assert.deepEqual([jsonrpc, id], ["2.0", null]);
  return error;
}

Deno.test("the MCP endpoint answers in JSON when nothing was streamed", async () => {
  await withScene(async ({ ask }) => {
    const { status, headers, text } = await ask("POST", JSON_HEADERS, ECHO);
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["content-length"], String(text.length));
    assert.equal(text, '{"jsonrpc":"2.0","id":1,"result":{"a":1}}');
  });
});

Deno.test("the MCP endpoint answers with events when something was streamed or nothing else is taken", async () => {
  await withScene(async ({ ask }) => {
    const streamed = await ask("POST", JSON_HEADERS, STREAM);
    assert.equal(streamed.headers["content-type"], "text/event-stream");
    assert.equal(streamed.headers["cache-control"], "no-cache, no-transform");
    assert.equal(streamed.headers["x-accel-buffering"], "no");
    assert.equal(streamed.text.match(/^data: /gm)!.length, 3);
    const only = await ask("POST", { ...JSON_HEADERS, accept: "text/event-stream" }, ECHO);
    assert.equal(only.text, 'event: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"a":1}}\n\n');
  });
});

Deno.test("send() rejects when the client takes JSON only", async () => {
  await withScene(async ({ ask, gateway }) => {
    const reply = await ask("POST", { ...JSON_HEADERS, accept: "application/json" }, STREAM);
    assert.equal(reply.status, 406);
    assert.equal(gateway.exchanges[0].streams, false);
  });
});

Deno.test("the MCP endpoint refuses what it cannot take", async () => {
  await withScene(async ({ ask }) => {
    const post = (headers: Record<string, string>, body: string | Uint8Array = ECHO) =>
      ask("POST", { ...JSON_HEADERS, ...headers }, body);
    const cases: [string, Promise<Reply>, number, number][] = [
      ["PUT", ask("PUT", JSON_HEADERS, ECHO), 405, -32600],
      ["text/plain", post({ "content-type": "text/plain" }), 415, -32600],
      ["gzip", post({ "content-encoding": "gzip" }), 415, -32600],
      ["Accept text/html", post({ accept: "text/html" }), 406, -32600],
      ["GET without events", ask("GET", { accept: "application/json" }), 406, -32600],
      ["GET of the sessionless era", ask("GET", SESSIONLESS), 405, -32600],
      ["DELETE of the sessionless era", ask("DELETE", SESSIONLESS), 405, -32600],
      ["empty", post({}, ""), 400, -32700],
      ["half", post({}, '{"a"'), 400, -32700],
      ["array", post({}, `[${ECHO}]`), 400, -32600],
      ["byte order mark", post({}, `\ufeff${ECHO}`), 400, -32700],
      ["bad UTF-8", post({}, Uint8Array.of(0x22, 0xff, 0x22)), 400, -32700],
    ];
    for (const [what, asked, status, code] of cases) {
      const reply = await asked;
      assert.deepEqual([reply.status, errorOf(reply).code], [status, code], what);
    }
    assert.equal((await ask("PUT")).headers.allow, "POST, GET, DELETE");
  });
});

Deno.test("the MCP endpoint takes what it should", async () => {
  await withScene(async ({ ask }) => {
    const accepted: Record<string, string>[] = [
      { "content-type": "application/json; charset=utf-8" },
      { "content-type": "Application/JSON" },
      { "content-encoding": "identity" },
      { accept: "*/*" },
      { accept: "application/*;q=0.5, text/html" },
      { "mcp-protocol-version": "2025-03-26" },
      { origin: "http://localhost:6274" },
    ];
    for (const headers of accepted) {
      const reply = await ask("POST", { ...JSON_HEADERS, ...headers }, ECHO);
      assert.equal(reply.status, 200, JSON.stringify(headers));
    }
    const note = await ask("POST", JSON_HEADERS, '{"jsonrpc":"2.0","method":"n"}');
    assert.deepEqual([note.status, note.text], [202, ""]);
  });
});

Deno.test("a foreign Origin or Host is answered 403 before the gateway hears of it", async () => {
  await withScene(async ({ ask, gateway }) => {
    const foreign: Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://localhost.evil" },
      { host: "evil.example" },
      { host: "localhost.evil:80" },
    ];
    for (const headers of foreign) {
      const reply = await ask("POST", { ...JSON_HEADERS, ...headers }, ECHO);
      assert.deepEqual([reply.status, errorOf(reply).code], [403, -31009], JSON.stringify(headers));
    }
    assert.equal(gateway.exchanges.length, 0);
  });
});

Deno.test("a body over the limit is answered 413, announced or not", async () => {
  await withScene(async ({ ask, gateway, port }) => {
    const announced = await ask(
      "POST",
      { ...JSON_HEADERS, "content-length": "1001" },
      " ".repeat(1001),
    );
    assert.deepEqual([announced.status, errorOf(announced).code], [413, -31007]);
    assert.equal(announced.headers.connection, "close");
    const chunked = await ask(
      "POST",
      { ...JSON_HEADERS, "transfer-encoding": "chunked" },
      " ".repeat(100_000),
    );
    assert.equal(chunked.status, 413);
    const head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    const expecting = await rawAnswer(
      port,
      `${head}expect: 100-continue\r\ncontent-length: 9999\r\n\r\n`,
    );
    assert.deepEqual(expecting.statuses, [413], "and no 100 before it");
    assert.equal(gateway.received.length, 0);
  }, { server: { messageBytesMax: 1000 } });
});

Deno.test("a client that waits for 100 Continue gets it", async () => {
  await withScene(async ({ port }) => {
    const client = new RawClient(port);
    client.write(
      "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" +
        `expect: 100-continue\r\ncontent-length: ${ECHO.length}\r\nconnection: close\r\n\r\n`,
    );
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.write(ECHO);
    await client.until(/HTTP\/1\.1 200 OK/);
    await client.ended;
  });
});

Deno.test("refuse() carries the error's headers and the id", async () => {
  await withScene(async ({ ask, gateway }) => {
    const refused = await ask("POST", JSON_HEADERS, '{"jsonrpc":"2.0","id":1,"method":"refuse"}');
    assert.deepEqual([refused.status, refused.headers["retry-after"]], [429, "7"]);
    const asked = ask("POST", JSON_HEADERS, '{"jsonrpc":"2.0","id":"x","method":"hold"}');
    await gateway.until(() => gateway.held.length === 1);
    gateway.held[0].refuse(new GatewayError("Overloaded", "Cannot do"), gateway.received[1].id);
    assert.equal(JSON.parse((await asked).text).id, "x");
  });
});

Deno.test("closed resolves and send() rejects when the client goes", async () => {
  await withScene(async ({ port, gateway }) => {
    const client = new RawClient(port);
    client.write("GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
    await client.until(/text\/event-stream/);
    const [exchange] = gateway.streams;
    assert.equal(exchange.gone, false);
    client.reset();
    await exchange.closed;
    assert.equal(exchange.gone, true);
    await assert.rejects(exchange.send([]), { name: "TransportError" });
    await client.ended;
  });
});

Deno.test("an idle event stream carries comments", async () => {
  await withScene(async ({ port }) => {
    const client = new RawClient(port);
    client.write("GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
    await client.until(/\r\n:\n\n\r\n/);
    await client.close();
  }, { server: { heartbeatMs: 1 } });
});

Deno.test("an answer that lets wait for itself becomes an event stream with comments", async () => {
  await withScene(async ({ port, gateway }) => {
    const client = new RawClient(port);
    client.write(post("application/json, text/event-stream"));
    await gateway.until(() => gateway.held.length === 1);
    gateway.held[0].waitOn!(49);
    assert.equal(client.text, "", "not yet");
    gateway.held[0].waitOn!(50);
    gateway.held[0].waitOn!(100);
    await client.until(/text\/event-stream[^]*\r\n:\n\n\r\n[^]*\r\n:\n\n\r\n/);
    gateway.held[0].finish(HELD);
    await client.until(/data: \{"jsonrpc"/);
    await client.close();
  }, { server: { heartbeatMs: 50 }, listener: { sweepMs: 10 } });
});

Deno.test("a client that takes no events is sent nothing before its answer", async () => {
  await withScene(async ({ port, gateway }) => {
    const client = new RawClient(port);
    client.write(post("application/json"));
    await gateway.until(() => gateway.held.length === 1);
    gateway.held[0].waitOn!(100);
    gateway.held[0].finish(HELD);
    await client.until(/^HTTP\/1.1 200 OK[^]*application\/json[^]*"id":1,/);
    await client.close();
  }, { server: { heartbeatMs: 50 } });
});

Deno.test("disposing the listener refuses connections and lets what runs end", async () => {
  await withScene(async ({ listener, gateway, ask, port }) => {
    const asked = ask("POST", JSON_HEADERS, '{"jsonrpc":"2.0","id":1,"method":"hold"}');
    const idle = new RawClient(port);
    idle.write("GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await idle.until(/404 Not Found[^]*not found/);
    await gateway.until(() => gateway.held.length === 1);
    await listener[Symbol.asyncDispose]();
    await idle.ended;
    await assert.rejects(ask("POST", JSON_HEADERS, ECHO), { code: "ECONNREFUSED" });
    gateway.held[0].finish();
    assert.equal((await asked).status, 200);
    await listener.http.closed;
  });
});

Deno.test("acceptedForms() reads ranges and refusals", () => {
  const both = { json: true, events: true };
  assert.deepEqual(acceptedForms(undefined), both);
  assert.deepEqual(acceptedForms("text/event-stream;q=0.9 , APPLICATION/JSON"), both);
  assert.deepEqual(acceptedForms("*/*"), both);
  assert.deepEqual(acceptedForms("application/json;q=0, text/*"), { json: false, events: true });
  assert.deepEqual(acceptedForms("text/html"), { json: false, events: false });
});
