import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { notification } from "../../lib/core/compose.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { HttpsScene } from "../fixtures/https_scene.ts";

const IMPATIENT = {
  tlsHandshakeMs: 200,
  headersTimeoutMs: 200,
  requestTimeoutMs: 300,
  idleTimeoutMs: 100,
  checkIntervalMs: 50,
};

/** Sends bytes over TLS, or in the clear, and collects what comes until the server closes. */
async function answerTo(port: number, bytes: string, secure = true): Promise<string> {
  const target = { port, host: "127.0.0.1", rejectUnauthorized: false };
  const socket = secure ? tls.connect(target) : net.connect(target);
  let text = "";
  socket.on("data", (chunk) => text += chunk);
  socket.on("error", () => {}); // "close" follows
  if (bytes !== "") socket.once(secure ? "secureConnect" : "connect", () => socket.write(bytes));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  await bounded(closed, `the end of ${JSON.stringify(bytes)}`);
  return text;
}

Deno.test("slow clients are closed over TLS, too, in their handshake and after it", async () => {
  await using scene = await HttpsScene.start(IMPATIENT);
  const { port } = scene.http;
  const post = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
  const [raw, hello, silent, half, body, idle] = await Promise.all([
    answerTo(port, "", false),
    answerTo(port, "\x16\x03\x01", false),
    answerTo(port, ""),
    answerTo(port, "GET / HTTP/1.1\r\nhost: loc"),
    answerTo(port, `${post}content-length: 1000\r\n\r\n{`),
    answerTo(port, "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"),
  ]);
  assert.deepEqual([raw, hello], ["", ""]);
  assert.ok(!silent.includes("200"));
  assert.match(half, /^HTTP\/1.1 408 /);
  assert.match(body, /^HTTP\/1.1 408 /);
  assert.match(idle, /^HTTP\/1.1 404 /);
});

Deno.test("what is no TLS costs only itself", async () => {
  const failures: string[] = [];
  await using scene = await HttpsScene.start({ onTlsFailed: (failure) => failures.push(failure) });
  const { port } = scene.http;
  const plain = await answerTo(port, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", false);
  assert.ok(plain === "" || plain.startsWith("\x15"), "a TLS alert at most");
  assert.deepEqual(failures, ["tls_error"]);
  const ask = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  assert.match(await answerTo(port, ask), /^HTTP\/1.1 404 /);
});

Deno.test("old versions of TLS are refused", async () => {
  await using scene = await HttpsScene.start();
  const { success } = await new Deno.Command("openssl", {
    args: [
      "s_client",
      "-tls1_1",
      "-cipher",
      "ALL:@SECLEVEL=0",
      "-connect",
      `127.0.0.1:${scene.http.port}`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  assert.equal(success, false);
});

Deno.test("a client that stops reading its stream over TLS is closed, and the sender is told", async () => {
  const stalled: number[] = [];
  await using scene = await HttpsScene.start({
    writeStallMs: 500,
    onStalled: (count) => stalled.push(count),
  });
  // A process that is stopped: a paused TLS socket of the runtime's own goes on reading.
  const client = new Deno.Command("openssl", {
    args: ["s_client", "-quiet", "-connect", `127.0.0.1:${scene.http.port}`],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const stdin = client.stdin.getWriter();
  const head = "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";
  await stdin.write(new TextEncoder().encode(head));
  await scene.gateway.until(() => scene.gateway.streams.length === 1);
  client.kill("SIGSTOP");
  const [exchange] = scene.gateway.streams;
  const message = notification("notifications/message", { data: "x".repeat(256 * 1024) });
  const sending = (async () => {
    for (let i = 0; i < 1000; i++) await exchange.send([message]);
  })();
  await assert.rejects(bounded(sending, "the end of a stalled stream"), { name: "TransportError" });
  assert.deepEqual(stalled, [1]);
  client.kill("SIGKILL");
  await client.status;
  await stdin.abort().catch(() => {}); // nobody reads it any more
});
