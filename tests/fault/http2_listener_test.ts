import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { notification, request, result } from "../../lib/core/compose.ts";
import { ConnectionLimits } from "../../transports/guard/connection_limits.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { HttpsScene } from "../fixtures/https_scene.ts";
import { block, fields, Flag, RawHttp2, Type } from "./http2_raw.ts";

const IMPATIENT = {
  headersTimeoutMs: 200,
  requestTimeoutMs: 300,
  idleTimeoutMs: 100,
  checkIntervalMs: 50,
};
const JSON_FIELDS = { "content-type": "application/json", accept: "application/json" };
const EVENTS = { accept: "text/event-stream" };
/** Error codes (RFC 9113, 7). */
const Code = { none: 0 } as const;

/** Sends a call. */
function post(client: RawHttp2, stream: number, method: string): Promise<void> {
  void client.request(stream, fields("POST", "/mcp", JSON_FIELDS), 0);
  return client.send(Type.data, Flag.endStream, stream, request(1, method).bytes);
}

Deno.test("slow clients are closed, whatever they have begun", async () => {
  await using scene = await HttpsScene.start(IMPATIENT);
  const { port } = scene.http;
  const silent = await RawHttp2.connect(port);
  const preface = await RawHttp2.begin(port);
  const half = await RawHttp2.begin(port);
  void half.send(Type.headers, 0, 1, block(fields("GET", "/nothing")));
  const idle = await RawHttp2.begin(port);
  void idle.request(1, fields("GET", "/nothing"));
  const body = await RawHttp2.begin(port);
  void body.request(1, fields("POST", "/mcp", { ...JSON_FIELDS, "content-length": "1000" }), 0);
  assert.equal(await idle.status(1), 404);
  assert.equal(await body.status(1), 408);
  const ends = await Promise.all([silent, preface, half, idle, body].map((client) => client.end()));
  assert.deepEqual(ends.slice(3), [Code.none, Code.none], "told to leave");
  assert.equal(scene.http.connections, 0);
});

Deno.test("an event stream outlives the timeouts, and its client's reset reaches the exchange", async () => {
  await using scene = await HttpsScene.start(IMPATIENT);
  const { gateway } = scene;
  const client = await RawHttp2.begin(scene.http.port);
  void client.request(1, fields("GET", "/mcp", EVENTS));
  assert.equal(await client.status(1), 200);
  await (await RawHttp2.begin(scene.http.port)).end(); // takes longer than each of them
  const [exchange] = gateway.streams;
  assert.equal(exchange.gone, false);
  await exchange.send([notification("notifications/message", { data: "pushed" })]);
  await client.until(
    "an event",
    ({ type, payload }) => type === Type.data && payload.includes("pushed"),
  );
  void client.send(Type.reset, 0, 1, Buffer.from([0, 0, 0, 8]));
  await bounded(exchange.closed, "the end of a stream that was reset");
  await client.close();
});

Deno.test("a call whose stream is reset, or whose connection ends, has lost its client", async () => {
  await using scene = await HttpsScene.start();
  const { gateway } = scene;
  const client = await RawHttp2.begin(scene.http.port);
  void post(client, 1, "hold");
  void post(client, 3, "hold");
  await bounded(gateway.until(() => gateway.held.length === 2), "two calls");
  const [first, second] = gateway.held;
  void client.send(Type.reset, 0, 1, Buffer.from([0, 0, 0, 8]));
  await bounded(first.closed, "the end of a call that was reset");
  assert.equal(second.gone, false);
  await client.close();
  await bounded(second.closed, "the end of a call without a connection");
});

Deno.test("a drain lets calls finish, tells clients to leave, and ends", async () => {
  await using scene = await HttpsScene.start();
  const { gateway, http } = scene;
  const client = await RawHttp2.begin(http.port);
  const idle = await RawHttp2.begin(http.port);
  void post(client, 1, "hold");
  await bounded(gateway.until(() => gateway.held.length === 1), "a call");
  await http[Symbol.asyncDispose]();
  await client.until("a GOAWAY", ({ type }) => type === Type.goAway);
  await idle.end();
  await gateway.held[0].finish(result(gateway.received[0].id!, { late: true }));
  await client.until(
    "an answer",
    ({ type, payload }) => type === Type.data && payload.includes("late"),
  );
  assert.equal(await client.end(), Code.none);
  await bounded(http.closed, "the end of a drained listener");
});

Deno.test("the sender to a stream whose window stays shut is told", async () => {
  const stalled: number[] = [];
  await using scene = await HttpsScene.start({
    writeStallMs: 500,
    onStalled: (count) => stalled.push(count),
  });
  const client = await RawHttp2.begin(scene.http.port, [[4, 0]]); // SETTINGS_INITIAL_WINDOW_SIZE
  void client.request(1, fields("GET", "/mcp", EVENTS));
  await bounded(scene.gateway.until(() => scene.gateway.streams.length === 1), "a stream");
  const [exchange] = scene.gateway.streams;
  const message = notification("notifications/message", { data: "x".repeat(64 * 1024) });
  const sending = (async () => {
    for (let i = 0; i < 1000; i++) await exchange.send([message]);
  })();
  await assert.rejects(bounded(sending, "the end of a stalled stream"), { name: "TransportError" });
  assert.deepEqual(stalled, [1]);
  void post(client, 3, "echo"); // hyper sends no reset into a shut window, but the connection goes on
  assert.equal(await client.status(3), 200);
  await client.close();
});

Deno.test("what is no HTTP/2 costs only itself", async () => {
  await using scene = await HttpsScene.start();
  const texts = [
    "GET /mcp HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSX",
    "\0\0\0\0",
  ];
  for (const text of texts) {
    const client = await RawHttp2.connect(scene.http.port);
    void client.write(Buffer.from(text));
    assert.equal(await client.end(), undefined);
    assert.deepEqual(client.frames, []);
  }
  const client = await RawHttp2.begin(scene.http.port);
  void post(client, 1, "echo");
  assert.equal(await client.status(1), 200);
  await client.close();
});

Deno.test("a connection that speaks HTTP/2 counts for its descriptors", async () => {
  const connections = new ConnectionLimits({ connectionsMax: 5, connectionsPerAddressMax: 100 });
  await using scene = await HttpsScene.start({ connections, probeIntervalMs: 0 });
  const first = await RawHttp2.begin(scene.http.port);
  void post(first, 1, "echo");
  assert.equal(await first.status(1), 200);
  assert.equal(connections.open, 3);
  const second = await RawHttp2.begin(scene.http.port);
  await second.end();
  assert.equal(connections.open, 3);
  await first.close();
});
