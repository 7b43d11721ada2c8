import assert from "node:assert/strict";
import http from "node:http";
import { notification, request } from "../../../../lib/core/compose.ts";
import { SseDecoder } from "../../../../lib/framing/sse_events.ts";
import type { Batch, Connection } from "../../../../lib/core/connection.ts";
import { RawClient } from "../../../fixtures/http_raw.ts";
import { echo, SseScene } from "../../../fixtures/sse_scene.ts";

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

function ask(
  scene: SseScene,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<Reply> {
  const { port } = scene.listener.http;
  return new Promise((resolve, reject) => {
    const options = { port, host: "127.0.0.1", path, method, headers, agent: false as const };
    const req = http.request(options, (res) => {
      let text = "";
      res.on("data", (chunk) => text += chunk);
      res.on("end", () => resolve({ status: res.statusCode!, headers: res.headers, text }));
    });
    req.on("error", reject);
    req.end(body);
  });
}

const JSON_TYPE = { "content-type": "application/json" };
const ECHO = '{"jsonrpc":"2.0","id":1,"method":"echo"}';

/** An open stream of a client that does nothing by itself. */
class OpenStream {
  readonly client: RawClient;

  constructor(scene: SseScene, headers = "") {
    this.client = new RawClient(scene.listener.http.port);
    this.client.write(
      `GET /mcp/sse HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n${headers}\r\n`,
    );
  }

  /** Path that messages are to be posted to. */
  async address(): Promise<string> {
    return (await this.client.until(/event: endpoint\ndata: (\S+)\n/))[1];
  }
}

Deno.test("the first event names where to post messages, and the answers come as events with ids", async () => {
  await using scene = await SseScene.start(echo);
  const { client } = new OpenStream(scene);
  const address = (await client.until(/event: endpoint\ndata: (\S+)\n/))[1];
  assert.match(address, /^\/mcp\/messages\?sessionId=[\w-]{24}$/);
  assert.match(client.text, /content-type: text\/event-stream\r\n/);
  assert.match(client.text, /x-accel-buffering: no\r\n/);
  const { status, text, headers } = await ask(scene, "POST", address, JSON_TYPE, ECHO);
  assert.deepEqual([status, text, headers["keep-alive"]], [202, "", "timeout=120"]);
  const id = address.split("=")[1];
  await client.until(new RegExp(`id: ${id}\\.1\nevent: message\ndata: \\{.*"echo"\\}\n\n`));
  await client.close();
});

Deno.test("session ids are random and never the same", async () => {
  await using scene = await SseScene.start(() => {});
  const seen = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const stream = new OpenStream(scene);
    seen.add(await stream.address());
    await stream.client.close();
  }
  assert.equal(seen.size, 100);
  assert.equal(new Set([...seen].map((address) => address.slice(-24, -20))).size, 100);
});

Deno.test("what cannot be taken is refused", async () => {
  await using scene = await SseScene.start(echo, { server: { messageBytesMax: 1000 } });
  const stream = new OpenStream(scene);
  const address = await stream.address();
  const events = { accept: "text/event-stream" };
  const cases: [string, string, string, Record<string, string>, string | undefined, number][] = [
    ["POST to the stream", "POST", "/mcp/sse", JSON_TYPE, ECHO, 405],
    ["JSON only", "GET", "/mcp/sse", { accept: "application/json" }, undefined, 406],
    ["token in the query", "GET", "/mcp/sse?token=x", events, undefined, 400],
    ["token beside the session", "POST", `${address}&token=x`, JSON_TYPE, ECHO, 400],
    ["client_id with a space", "GET", "/mcp/sse?client_id=a%20b", events, undefined, 400],
    ["no session", "POST", "/mcp/messages", JSON_TYPE, ECHO, 400],
    ["unknown session", "POST", "/mcp/messages?sessionId=x", JSON_TYPE, ECHO, 404],
    ["GET of the messages", "GET", address, {}, undefined, 405],
    ["text", "POST", address, { "content-type": "text/plain" }, ECHO, 415],
    ["compressed", "POST", address, { ...JSON_TYPE, "content-encoding": "gzip" }, ECHO, 415],
    ["not JSON", "POST", address, JSON_TYPE, "{", 400],
    ["a batch", "POST", address, JSON_TYPE, `[${ECHO}]`, 400],
    ["too large", "POST", address, JSON_TYPE, `{"a":"${"x".repeat(1000)}"}`, 413],
    [
      "foreign origin",
      "POST",
      address,
      { ...JSON_TYPE, origin: "https://evil.example" },
      ECHO,
      403,
    ],
    ["foreign host", "GET", "/mcp/sse", { ...events, host: "evil.example" }, undefined, 403],
  ];
  for (const [what, method, path, headers, body, status] of cases) {
    assert.equal((await ask(scene, method, path, headers, body)).status, status, what);
  }
  assert.equal(scene.connections.length, 1);
  assert.equal((await ask(scene, "POST", address, JSON_TYPE, ECHO)).status, 202, "and works on");
  await stream.client.close();
});

Deno.test("an idle stream carries comments", async () => {
  await using scene = await SseScene.start(echo, { server: { heartbeatMs: 1 } });
  const { client } = new OpenStream(scene);
  await client.until(/\n:\n\n/);
  await client.close();
});

Deno.test("no chunk of a large event is larger than 16 KiB", async () => {
  await using scene = await SseScene.start(() => {});
  const { client } = new OpenStream(scene);
  const { writable } = await scene.connection(0);
  const writing = writable.getWriter().write([
    notification("notifications/message", { data: "x".repeat(100_000) }),
  ]);
  await client.until(/x"\}\}\n\n/);
  await writing;
  const sizes = [...client.text.matchAll(/\r\n([0-9a-f]+)\r\n/g)].map(([, size]) =>
    parseInt(size, 16)
  );
  assert.ok(sizes.length > 6);
  assert.ok(Math.max(...sizes) <= 16 * 1024, String(Math.max(...sizes)));
  await client.close();
});

Deno.test("DELETE of the messages ends what the client says, and answers still reach it", async () => {
  await using scene = await SseScene.start(() => {});
  const stream = new OpenStream(scene);
  const address = await stream.address();
  const { readable, writable } = await scene.connection(0);
  assert.equal((await ask(scene, "DELETE", address)).status, 202);
  assert.equal((await readable.getReader().read()).done, true);
  const writer = writable.getWriter();
  await writer.write([request(7, "last")]);
  await writer.close();
  await stream.client.until(/"id":7.*retry: \d+\n\n\r\n0\r\n/s);
  assert.equal((await ask(scene, "POST", address, JSON_TYPE, ECHO)).status, 404);
  await stream.client.close();
});

Deno.test("a connection ends when its client stays away, at once when it was never used", async () => {
  await using scene = await SseScene.start(echo, { server: { resumeMs: 10 } });
  const unused = new OpenStream(scene);
  await unused.address();
  await unused.client.close();
  await (await scene.connection(0)).closed;
  const used = new OpenStream(scene);
  await ask(scene, "POST", await used.address(), JSON_TYPE, ECHO);
  await used.client.close();
  await (await scene.connection(1)).closed;
  assert.equal(scene.listener.connections, 0);
});

Deno.test("disposing the listener ends connections without a stream, and lets the others end", async () => {
  await using scene = await SseScene.start(echo);
  const gone = new OpenStream(scene), stays = new OpenStream(scene);
  await ask(scene, "POST", await gone.address(), JSON_TYPE, ECHO);
  const address = await stays.address();
  await gone.client.close();
  while (scene.listener.http.connections > 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await scene.listener[Symbol.asyncDispose]();
  assert.equal(scene.listener.connections, 1);
  assert.ok(address);
  for (const connection of scene.connections) await connection[Symbol.asyncDispose]();
  await stays.client.until(/retry: \d+\n\n/);
  await stays.client.close();
});

Deno.test("more connections than allowed are refused", async () => {
  await using scene = await SseScene.start(echo, { server: { connectionsMax: 1 } });
  const stream = new OpenStream(scene);
  await stream.address();
  assert.equal((await ask(scene, "GET", "/mcp/sse", { accept: "text/event-stream" })).status, 503);
  await stream.client.close();
});

Deno.test("an event after an unknown, forgotten or future one opens a fresh connection", async () => {
  const server = { logEventsMax: 3 };
  await using scene = await SseScene.start(() => {}, { server });
  const first = new OpenStream(scene);
  const id = (await first.address()).split("=")[1];
  const connection = await scene.connection(0);
  const writer = connection.writable.getWriter();
  for (let i = 1; i <= 5; i++) await writer.write([request(i, "x")]);
  const fresh: string[] = [];
  for (const last of ["nonsense", `${id}.1`, `${id}.6`, `${id}.-1`, `${id}.x`, `x.3`]) {
    const stream = new OpenStream(scene, `last-event-id: ${last}\r\n`);
    fresh.push(await stream.address());
    await stream.client.close();
  }
  assert.equal(new Set(fresh).size, 6);
  assert.ok(fresh.every((address) => !address.endsWith(id)));
  const resumed = new OpenStream(scene, `last-event-id: ${id}.2\r\n`);
  assert.ok((await resumed.address()).endsWith(id));
  const numbers = await eventNumbers(resumed.client, id, 5);
  assert.deepEqual(numbers, [3, 4, 5]);
  await first.client.ended; // the client has given the old stream up, whether or not it says so
  await resumed.client.close();
});

/** Numbers of the message events received, when the last of them has come. */
async function eventNumbers(client: RawClient, id: string, last: number): Promise<number[]> {
  await client.until(new RegExp(`id: ${id}\\.${last}\nevent: message\n.*\n\n`));
  const numbers = client.text.matchAll(new RegExp(`id: ${id}\\.(\\d+)\nevent: message\n`, "g"));
  return [...numbers].map(([, number]) => Number(number));
}

Deno.test("every event comes exactly once and in order wherever the stream is cut", async () => {
  for (let round = 0; round < 20; round++) {
    await using scene = await SseScene.start(() => {});
    const total = 300;
    let stream = new OpenStream(scene);
    const id = (await stream.address()).split("=")[1];
    const writing = writeAll(await scene.connection(0), total);
    const seen: number[] = [];
    let last = `${id}.0`;
    while (seen.at(-1) !== total - 1) {
      const cutAt = 1 + Math.floor(Math.random() * 20_000);
      const { numbers, lastEventId } = await readUpTo(stream.client, cutAt, total);
      seen.push(...numbers);
      last = lastEventId || last; // "" when it was cut before the first event
      await stream.client.close();
      if (seen.at(-1) === total - 1) break;
      stream = new OpenStream(scene, `last-event-id: ${last}\r\n`);
      assert.ok((await stream.address()).endsWith(id), "the same connection");
    }
    await writing;
    assert.deepEqual(seen, Array.from({ length: total }, (_, i) => i));
  }
});

async function writeAll(connection: Connection, total: number): Promise<void> {
  const writer = connection.writable.getWriter();
  for (let i = 0; i < total;) {
    const batch: Batch = Array.from(
      { length: Math.min(total - i, 1 + Math.floor(Math.random() * 10)) },
      (_, k) => notification("n", { i: i + k, fill: "x".repeat(Math.random() * 500) }),
    );
    i += batch.length;
    await writer.write(batch);
  }
}

/** What a client has understood of the first bytes of a response: it may end anywhere, in a chunk's head, too. */
async function readUpTo(client: RawClient, byteLength: number, total: number) {
  const complete = new RegExp(`"i":${total - 1},`);
  const all = new RegExp(`^[^]{${byteLength}}`);
  const whole = await Promise.race([client.until(complete), client.until(all)]);
  const text = whole.input.slice(0, Math.max(byteLength, whole.input.indexOf("\r\n\r\n") + 4));
  const decoder = new SseDecoder();
  const numbers: number[] = [];
  for (const { type, data } of decoder.push(dechunked(text))) {
    if (type === "message") numbers.push(JSON.parse(new TextDecoder().decode(data)).params.i);
  }
  return { numbers, lastEventId: decoder.lastEventId };
}

function dechunked(text: string): Uint8Array {
  let rest = text.slice(text.indexOf("\r\n\r\n") + 4), body = "";
  for (;;) {
    const match = /^([0-9a-f]+)\r\n/.exec(rest);
    if (match === null) return new TextEncoder().encode(body);
    const size = parseInt(match[1], 16), start = match[0].length;
    body += rest.slice(start, start + size);
    rest = rest.slice(start + size + 2);
  }
}
