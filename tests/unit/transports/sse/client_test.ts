import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import type { Notification } from "@modelcontextprotocol/sdk/types.js";
import { notification, request, result } from "../../../../lib/core/compose.ts";
import type { Connection } from "../../../../lib/core/connection.ts";
import type { Message } from "../../../../lib/core/message.ts";
import { dialSse } from "../../../../transports/sse/client.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { SdkSseServer } from "../../../fixtures/sse_sdk_server.ts";
import { SseScene } from "../../../fixtures/sse_scene.ts";

const never = new AbortController().signal;

/** Reads one message after the other. */
function reading({ readable }: Connection): () => Promise<Message> {
  const reader = readable.getReader();
  const waiting: Message[] = [];
  return async () => {
    while (waiting.length === 0) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the end");
      waiting.push(...value);
    }
    return waiting.shift()!;
  };
}

const INITIALIZE = request(0, "initialize", {
  protocolVersion: "2024-11-05",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});

Deno.test("the client talks to the SDK's SSE server", async () => {
  await using server = await SdkSseServer.start();
  await using connection = await dialSse({ url: server.url }, never);
  const next = reading(connection);
  const writer = connection.writable.getWriter();
  await writer.write([INITIALIZE, notification("notifications/initialized")]);
  assert.equal((await next()).json().result.protocolVersion, "2024-11-05");
  for (let round = 1; round <= 10; round++) {
    await writer.write(
      Array.from(
        { length: 20 },
        (_, i) => request(round * 20 + i, "tools/call", { name: "echo", arguments: { i } }),
      ),
    );
    let answers = 0, notes = 0;
    while (answers < 20) (await next()).kind === "response" ? answers++ : notes++;
    assert.ok(notes <= 20 * round);
  }
  await server.announce();
  let last = await next();
  while (last.method !== "notifications/tools/list_changed") last = await next();
  assert.ok(server.connections <= 60, `${server.connections} connections for 202 messages`);
});

Deno.test("a stream without event ids that breaks takes the connection with it", async () => {
  await using server = await SdkSseServer.start();
  const connection = await dialSse({ url: server.url }, never);
  const reader = connection.readable.getReader();
  const reading = assert.rejects(reader.read(), { name: "TransportError" });
  server.cut();
  await bounded(reading, "the end");
  await assert.rejects(connection.closed, { name: "TransportError" });
});

Deno.test("the SDK's SSE client talks to the server", async () => {
  await using scene = await SseScene.start(serve);
  const url = new URL(scene.listener.url);
  const client = new Client({ name: "sdk", version: "1" }, {
    capabilities: { roots: { listChanged: true } },
  });
  await client.connect(new SSEClientTransport(url));
  assert.equal(client.getServerVersion()?.name, "ours");
  await client.ping();
  const { promise, resolve } = Promise.withResolvers<string>();
  client.fallbackNotificationHandler = ({ method }: Notification) =>
    Promise.resolve(resolve(method));
  await client.notification({ method: "notifications/roots/list_changed" });
  assert.equal(await bounded(promise, "the notification"), "notifications/tools/list_changed");
  await client.close();
});

/** Answers what a client asks first, and every notification with one of its own. */
async function serve({ readable, writable }: Connection): Promise<void> {
  const writer = writable.getWriter();
  for await (const batch of readable) {
    for (const message of batch) {
      const serverInfo = { name: "ours", version: "1" };
      if (message.method === "initialize") {
        const { protocolVersion } = message.json().params;
        await writer.write([
          result(message.id!, { protocolVersion, capabilities: { tools: {} }, serverInfo }),
        ]);
      } else if (message.kind === "request") await writer.write([result(message.id!, {})]);
      else if (message.method === "notifications/roots/list_changed") {
        await writer.write([notification("notifications/tools/list_changed")]);
      }
    }
  }
}

Deno.test("our client resumes at our server, every message once and in order", async () => {
  await using scene = await SseScene.start(() => {}, { client: { retryMs: 1, resumesMax: 1000 } });
  await using connection = await scene.dial();
  const writer = (await scene.connection(0)).writable.getWriter();
  const next = reading(connection);
  const rounds = 20, perRound = 500; // the log holds 1000: no more may be under way
  for (let round = 0; round < rounds; round++) {
    const cutAt = Math.floor(Math.random() * perRound);
    for (let i = 0; i < perRound; i++) {
      await writer.write([notification("n", { i: round * perRound + i, fill: "x".repeat(200) })]);
      if (i === cutAt) scene.listener.http.destroyConnections();
    }
    for (let i = 0; i < perRound; i++) {
      assert.equal((await bounded(next(), "event")).json().params.i, round * perRound + i);
    }
  }
});

Deno.test("a client whose server forgot the connection is told so", async () => {
  const options = { server: { resumeMs: 1 }, client: { retryMs: 1 } };
  await using scene = await SseScene.start(() => {}, options);
  const connection = await scene.dial();
  await connection.writable.getWriter().write([request(1, "x")]);
  await (await scene.connection(0))[Symbol.asyncDispose]();
  await assert.rejects(bounded(connection.closed, "the end"), /does not know the connection/);
});

/** A server that answers GET as told. */
async function answering(
  answer: http.RequestListener,
  act: (url: URL) => Promise<void>,
): Promise<void> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await act(new URL(`sse+http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`));
  } finally {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

const HEAD = { "content-type": "text/event-stream" };
const refusals: Record<string, [http.RequestListener, RegExp]> = {
  "an endpoint of another origin": [
    (_req, res) => {
      res.writeHead(200, HEAD).write("event: endpoint\ndata: http://evil.example/messages\n\n");
    },
    /of another origin/,
  ],
  "an endpoint that is no address": [
    (_req, res) => {
      res.writeHead(200, HEAD).write("event: endpoint\ndata: http://[\n\n");
    },
    /of another origin/,
  ],
  "no endpoint": [
    (_req, res) => {
      res.writeHead(200, HEAD).write("event: message\ndata: {}\n\n");
    },
    /no endpoint within/,
  ],
  "a stream that ends": [(_req, res) => void res.writeHead(200, HEAD).end(), /stream ended/],
  "no stream": [(_req, res) => void res.writeHead(405).end(), /status 405/],
  "JSON": [
    (_req, res) => void res.writeHead(200, { "content-type": "application/json" }).end("{}"),
    /no event stream/,
  ],
};

for (const [what, [answer, reason]] of Object.entries(refusals)) {
  Deno.test(`dial() refuses a server with ${what}`, async () => {
    await answering(answer, async (url) => {
      await assert.rejects(dialSse({ url }, never, { endpointTimeoutMs: 200 }), {
        name: "TransportError",
        message: reason,
      });
    });
  });
}

Deno.test("dial() ends when its signal aborts", async () => {
  await answering((_req, res) => void res.writeHead(200, HEAD).flushHeaders(), async (url) => {
    const controller = new AbortController();
    const dialling = dialSse({ url }, controller.signal);
    controller.abort();
    await assert.rejects(dialling, { name: "TransportError" });
  });
});

Deno.test("a request that the server refuses is answered with an error", async () => {
  const statuses = [500, 400, 403];
  await answering((req, res) => {
    if (req.method === "GET") {
      res.writeHead(200, HEAD).write("event: endpoint\ndata: /messages?key=1\n\n");
    } else res.writeHead(req.url === "/messages?key=1" ? statuses.shift()! : 418).end();
  }, async (url) => {
    await using connection = await dialSse({ url }, never, { inFlightMax: 1 });
    const next = reading(connection);
    await connection.writable.getWriter().write([1, 2, 3].map((id) => request(id, "x")));
    for (let id = 1; id <= 3; id++) {
      const answer = (await next()).json();
      assert.equal(answer.id, id);
      assert.ok(answer.error.code <= -31001);
    }
  });
});
