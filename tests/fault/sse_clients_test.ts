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

/** Posts on connections of their own; how many are refused while nobody reads, and then once all are taken. */
async function refusals(scene: SseScene, address: string, body: string, count: number) {
  const posters = Array.from({ length: count }, () => {
    const poster = new RawClient(scene.listener.http.port);
    poster.write(post(address, body));
    return poster;
  });
  const refused = Promise.race(posters.map((poster) => poster.until(/ 503 /)));
  await bounded(refused, "a refusal");
  const reader = (await scene.connection(0)).readable.getReader();
  let taken = 0;
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      taken += value.length;
    }
  })();
  const all = Promise.all(posters.map((poster) => poster.until(/ 202 | 503 /)));
  const statuses = (await bounded(all, "all answers")).map(([status]) => status.trim());
  for (const poster of posters) await poster.close();
  await reader.cancel();
  await reading;
  const accepted = statuses.filter((status) => status === "202").length;
  assert.equal(taken, accepted, "what is accepted is handed on");
  return count - accepted;
}

Deno.test("POSTs wait while nobody takes their messages, and more than 1000 are refused", async () => {
  await using scene = await SseScene.start(() => {}, { server: { bufferBytesMax: 1000 } });
  const { client, address } = await open(scene);
  const body = `{"jsonrpc":"2.0","method":"n","params":{"fill":"${"x".repeat(500)}"}}`;
  const refused = await refusals(scene, address, body, 1005);
  assert.ok(refused <= 5, `${refused} of 1005 refused`);
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
