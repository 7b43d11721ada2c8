import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "../../lib/core/compose.ts";
import type { Message } from "../../lib/core/message.ts";
import {
  dialStreamableHttp,
  type StreamableHttpClientOptions,
} from "../../transports/streamable_http/client.ts";

const never = new AbortController().signal;

/** The error that a request gets from a server that behaves in some way. */
async function errorFrom(
  listener: http.RequestListener,
  options: StreamableHttpClientOptions = {},
): Promise<{ code: number; message: string; data?: { outcome: string } }> {
  const [message] = await askOnce(listener, options);
  assert.equal(message.json().id, 1);
  return message.json().error;
}

/** What comes back for one request, up to its answer. */
async function askOnce(
  listener: http.RequestListener,
  options: StreamableHttpClientOptions = {},
): Promise<Message[]> {
  const server = http.createServer(listener);
  const { promise: bound, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await bound;
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const connection = await dialStreamableHttp({ url }, never, { retryMs: 1, ...options });
  const got: Message[] = [];
  try {
    await connection.writable.getWriter().write([request(1, "tools/call", { name: "x" })]);
    const reader = connection.readable.getReader();
    while (got.at(-1)?.kind !== "response") got.push(...(await reader.read()).value!);
  } finally {
    await connection[Symbol.asyncDispose]();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    server.closeAllConnections();
    server.close(() => resolve());
    await closed;
  }
  return got;
}

const EVENTS = { "content-type": "text/event-stream" };
const ANSWER = 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n';

Deno.test("a server that resets before, in or after the head leaves the outcome unknown", async () => {
  const unknown = async (listener: http.RequestListener) => {
    const { code, data } = await errorFrom(listener);
    assert.deepEqual([code, data], [-31001, { outcome: "unknown" }]);
  };
  await unknown((req) => req.socket.resetAndDestroy());
  await unknown((_, res) => {
    res.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    res.write("{", () => res.socket!.resetAndDestroy());
  });
  await unknown((_, res) => {
    res.writeHead(200, EVENTS);
    res.write("data: {", () => res.socket!.resetAndDestroy());
  });
  await unknown((_, res) => res.writeHead(200, EVENTS).end(": nothing\n\n"));
});

Deno.test("a server that hangs is given up when its time is over", async () => {
  const head = await errorFrom(() => {}, { headersTimeoutMs: 10 });
  assert.equal(head.code, -31002);
  const body = await errorFrom((_, res) => {
    res.writeHead(200, { "content-type": "application/json" });
    res.write("{");
  }, { bodyIdleMs: 10 });
  assert.equal(body.code, -31002);
});

Deno.test("an answer off the protocol is an error of the protocol", async () => {
  const off = async (listener: http.RequestListener, options?: StreamableHttpClientOptions) =>
    assert.equal((await errorFrom(listener, options)).code, -31006);
  const json = { "content-type": "application/json" };
  await off((_, res) => res.writeHead(200, { "content-type": "text/html" }).end("<p>"));
  await off((_, res) => res.writeHead(200, json).end("not json"));
  await off((_, res) => res.writeHead(200, { ...json, "content-encoding": "gzip" }).end("x"));
  await off((_, res) => res.writeHead(202).end());
  await off((_, res) => res.writeHead(302, { location: "http://127.0.0.1:1/" }).end());
  await off((_, res) => res.writeHead(200, EVENTS).end("data: nonsense\n\n"));
  await off((_, res) => res.writeHead(200, json).end("x".repeat(2000)), { messageBytesMax: 1000 });
  await off((_, res) => {
    res.writeHead(200, EVENTS);
    const flood = () => {
      while (!res.destroyed && res.write("x".repeat(10_000)));
    };
    res.on("drain", flood);
    flood();
  }, { messageBytesMax: 100_000 });
});

Deno.test("a status says what is wrong", async () => {
  for (
    const [status, pattern] of [[401, /authorization/], [403, /forbidden/], [503, /503/]] as const
  ) {
    const { code, message } = await errorFrom((_, res) => res.writeHead(status).end("no"));
    assert.equal(code, -31001);
    assert.match(message, pattern);
  }
  const { code, message } = await errorFrom((_, res) => {
    res.writeHead(400, { "content-type": "application/json" });
    res.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request"}}');
  });
  assert.deepEqual([code, message], [-32000, "Bad Request"]);
});

Deno.test("a stream with event ids is resumed after the last of them", async () => {
  const resumedAfter: (string | undefined)[] = [];
  const got = await askOnce((req, res) => {
    res.writeHead(200, EVENTS);
    if (req.method === "POST") {
      res.write(
        'id: a1\ndata:\n\nid: a2\ndata: {"jsonrpc":"2.0","method":"n"}\n\n',
        () => res.destroy(),
      );
      return;
    }
    resumedAfter.push(req.headers["last-event-id"] as string);
    if (resumedAfter.length === 1) res.end("retry: 1\nid: a3\ndata:\n\n");
    else res.end(ANSWER);
  });
  assert.deepEqual(resumedAfter, ["a2", "a3"]);
  assert.deepEqual(got.map(({ kind }) => kind), ["notification", "response"]);
});

Deno.test("a stream that cannot be resumed fails its request after some tries", async () => {
  let tries = 0;
  const { code } = await errorFrom((req, res) => {
    if (req.method === "POST") return void res.writeHead(200, EVENTS).end("id: a1\ndata:\n\n");
    tries++;
    res.writeHead(503).end();
  }, { resumesMax: 3 });
  assert.deepEqual([code, tries], [-31001, 3]);
});

Deno.test("a reader that does not read pauses a long stream", async () => {
  let written = 0;
  const event = `data: {"jsonrpc":"2.0","method":"n","params":{"x":"${"y".repeat(10_000)}"}}\n\n`;
  const { promise: blocked, resolve } = Promise.withResolvers<void>();
  const server = http.createServer((_, res) => {
    res.writeHead(200, EVENTS);
    const write = () => {
      while (written < 5000 && !res.destroyed) {
        written++;
        if (!res.write(event)) return resolve();
      }
      res.end(ANSWER);
    };
    res.on("drain", write);
    write();
  });
  const { promise: bound, resolve: onBound } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", onBound);
  await bound;
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const connection = await dialStreamableHttp({ url }, never, { bufferBytesMax: 50_000 });
  await connection.writable.getWriter().write([request(1, "tools/call", { name: "x" })]);
  await blocked;
  let messages = 0, last: Message | undefined;
  for await (const batch of connection.readable) {
    messages += batch.length;
    last = batch.at(-1);
    if (last?.kind === "response") break;
  }
  assert.equal(messages, 5001);
  assert.equal(last?.json().id, 1);
  await connection[Symbol.asyncDispose]();
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  server.closeAllConnections();
  server.close(() => onClosed());
  await closed;
});
