import assert from "node:assert/strict";
import { notification } from "../../lib/core/compose.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { RawClient } from "../fixtures/http_raw.ts";
import { echo, SseScene } from "../fixtures/sse_scene.ts";

const GET = "GET /mcp/sse HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";

async function open(scene: SseScene): Promise<{ client: RawClient; address: string }> {
  const client = new RawClient(scene.listener.http.port);
  client.write(GET);
  const [, address] = await client.until(/event: endpoint\ndata: (\S+)\n/);
  return { client, address };
}

function post(address: string, body: string): string {
  return `POST ${address} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`;
}

Deno.test("a client that never reads is cut, and its writer waits instead of filling memory", async () => {
  const stalled: number[] = [];
  await using scene = await SseScene.start(() => {}, {
    listener: { writeStallMs: 500, onStalled: (count) => stalled.push(count) },
    server: { resumeMs: 1 },
  });
  const { client } = await open(scene);
  client.pause();
  const connection = await scene.connection(0);
  const writer = connection.writable.getWriter();
  const message = notification("notifications/message", { data: "x".repeat(64 * 1024) });
  let written = 0;
  const writing = (async () => {
    for (; written < 10_000; written++) await writer.write([message]);
  })();
  await assert.rejects(bounded(writing, "the end of a stalled stream"), { name: "TransportError" });
  assert.ok(written * 64 * 1024 < 64 * 1024 * 1024, `${written} messages were taken`);
  assert.deepEqual(stalled, [1]);
  await client.close();
});

Deno.test("a client that resets in the middle of a POST costs only that message", async () => {
  await using scene = await SseScene.start(echo);
  const { client, address } = await open(scene);
  const half = new RawClient(scene.listener.http.port);
  half.write(post(address, '{"jsonrpc":"2.0","id":1,"method":"lost"}').slice(0, -5));
  half.reset();
  await half.ended;
  const poster = new RawClient(scene.listener.http.port);
  poster.write(post(address, '{"jsonrpc":"2.0","id":2,"method":"kept"}'));
  await poster.until(/ 202 /);
  await client.until(/"kept"/);
  assert.ok(!client.text.includes("lost"));
  await poster.close();
  await client.close();
});

Deno.test("POSTs wait while nobody takes their messages, and too many are refused", async () => {
  await using scene = await SseScene.start(() => {}, { server: { bufferBytesMax: 1000 } });
  const { client, address } = await open(scene);
  const body = `{"jsonrpc":"2.0","method":"n","params":{"fill":"${"x".repeat(500)}"}}`;
  const posters = await Promise.all(Array.from({ length: 1005 }, async () => {
    const poster = new RawClient(scene.listener.http.port);
    poster.write(post(address, body));
    await Promise.resolve();
    return poster;
  }));
  const refused = posters.map((poster) => poster.until(/ 503 /).then(() => 1, () => 0));
  await bounded(Promise.race(posters.map((poster) => poster.until(/ 503 /))), "a refusal");
  const reader = (await scene.connection(0)).readable.getReader();
  let taken = 0;
  while (taken < 1000) taken += (await reader.read()).value!.length;
  await Promise.all(posters.map((poster) => poster.until(/ 202 | 503 /)));
  for (const poster of posters) await poster.close();
  const count = (await Promise.all(refused)).reduce((sum: number, n) => sum + n, 0);
  assert.ok(count <= 5, `${count} of 1005 refused`);
  await client.close();
});

Deno.test("connections that post messages are kept for longer than others", async () => {
  const impatient = { idleTimeoutMs: 100, checkIntervalMs: 50 };
  await using scene = await SseScene.start(() => {}, { listener: impatient });
  const { client, address } = await open(scene);
  const poster = new RawClient(scene.listener.http.port);
  poster.write(post(address, '{"jsonrpc":"2.0","method":"n"}'));
  await poster.until(/ 202 /);
  const other = new RawClient(scene.listener.http.port);
  other.write("GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await bounded(other.ended, "the end of an idle connection");
  poster.write(post(address, '{"jsonrpc":"2.0","method":"n"}'));
  await poster.until(/ 202 [^]* 202 /);
  await poster.close();
  await client.close();
});
