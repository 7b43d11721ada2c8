import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { notification } from "../../../../lib/core/compose.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { HttpsScene } from "../../../fixtures/https_scene.ts";

const JSON_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};
const MEBIBYTE = 1024 * 1024;

/** A client that speaks HTTP/2 only. */
function http2Client({ authority }: HttpsScene, files?: { cert: string; key: string }) {
  const caCerts = [readFileSync(authority.ca, "utf8")];
  const identity = files === undefined ? {} : {
    cert: readFileSync(files.cert, "utf8"),
    key: readFileSync(files.key, "utf8"),
  };
  return Deno.createHttpClient({ caCerts, http1: false, http2: true, ...identity });
}

function urlOf({ http }: HttpsScene, path = "/mcp"): string {
  return `https://127.0.0.1:${http.port}${path}`;
}

function call(method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
}

Deno.test("an HTTPS listener speaks HTTP/2", async () => {
  await using scene = await HttpsScene.start();
  using client = http2Client(scene);
  const ask = async (method: string, path: string, body?: string, headers = {}) => {
    const all = { ...JSON_HEADERS, ...headers };
    const answer = await fetch(urlOf(scene, path), { client, method, body, headers: all });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask("POST", "/mcp", call("echo", { a: 1 })), [
    200,
    '{"jsonrpc":"2.0","id":1,"result":{"a":1}}',
  ]);
  const [, streamed] = await ask("POST", "/mcp", call("stream", { count: 2 }));
  assert.deepEqual(String(streamed).match(/"data":\d|"done":true/g), [
    '"data":0',
    '"data":1',
    '"done":true',
  ]);
  assert.equal((await ask("POST", "/mcp", "{"))[0], 400);
  assert.equal((await ask("PUT", "/mcp"))[0], 405);
  assert.equal((await ask("GET", "/nothing"))[0], 404);
  assert.deepEqual(await ask("HEAD", "/nothing"), [404, ""]);
  assert.equal((await ask("GET", "/mcp", undefined, { origin: "https://evil.example" }))[0], 403);
  assert.equal((await ask("GET", "/mcp", undefined, { "x-long": "x".repeat(20_000) }))[0], 431);
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, "1"]));
  assert.equal((await ask("GET", "/mcp", undefined, many))[0], 431);
});

Deno.test("large bodies pass both ways, side by side, and larger ones are refused", async () => {
  await using scene = await HttpsScene.start();
  using client = http2Client(scene);
  const send = (body: string | ReadableStream<Uint8Array>) =>
    fetch(urlOf(scene), { client, method: "POST", body, headers: JSON_HEADERS });
  const large = call("echo", { a: "x".repeat(4 * MEBIBYTE - 100) });
  const answers = await Promise.all(Array.from({ length: 4 }, () => send(large)));
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  for (const text of texts) {
    assert.equal(text.length, large.length - '"method":"echo","params"'.length + '"result"'.length);
  }
  const refused = await send("x".repeat(5 * MEBIBYTE));
  assert.equal(refused.status, 413);
  await refused.body?.cancel();
  const piece = new Uint8Array(64 * 1024).fill(0x20);
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
  const cut = await send(endless);
  assert.equal(cut.status, 413);
  await cut.body?.cancel();
});

Deno.test("a stream carries what the server sends, and its end is seen", async () => {
  await using scene = await HttpsScene.start();
  using client = http2Client(scene);
  const headers = { accept: "text/event-stream" };
  const answer = await fetch(urlOf(scene), { client, headers });
  const [exchange] = scene.gateway.streams;
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const word of ["first", "second"]) {
    await exchange.send([notification("notifications/message", { data: word })]);
    let text = "";
    while (!text.includes(word)) text += (await bounded(reader.read(), word)).value;
  }
  await reader.cancel();
  await bounded(exchange.closed, "the end of a stream");
});

Deno.test("a client's certificate and address reach the exchange", async () => {
  await using scene = await HttpsScene.start({}, true);
  using client = http2Client(scene, await scene.authority.issue("client"));
  const answer = await fetch(urlOf(scene), {
    client,
    method: "POST",
    body: call("echo", {}),
    headers: { ...JSON_HEADERS, "x-forwarded-for": "10.0.0.1" },
  });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  const [{ request }] = scene.gateway.exchanges;
  assert.equal(request.tls?.commonName, "client");
  assert.match(request.address, /^127\.0\.0\.1:\d+$/);
});

Deno.test("without HTTP/2 a client falls back to HTTP/1.1", async () => {
  await using scene = await HttpsScene.start({ http2: false });
  const caCerts = [readFileSync(scene.authority.ca, "utf8")];
  using client = Deno.createHttpClient({ caCerts });
  const answer = await fetch(urlOf(scene, "/nothing"), { client });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get("connection"), "keep-alive");
  await answer.body?.cancel();
});
