import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import tls from "node:tls";
import { TestAuthority } from "../fixtures/certificates.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";
import { RawClient } from "../fixtures/http_raw.ts";

const KEY = "key";
const CLIENTS = {
  bot: { keys: { only: `sha256:${createHash("sha256").update(KEY).digest("hex")}` } },
};

/** The head of a request to each kind of endpoint. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  "streamable HTTP": "POST /mcp HTTP/1.1\r\ncontent-length: 0\r\n",
  "HTTP+SSE": "GET /mcp/sse HTTP/1.1\r\naccept: text/event-stream\r\n",
  "messages of HTTP+SSE": "POST /mcp/messages?sessionId=x HTTP/1.1\r\ncontent-length: 0\r\n",
  WebSocket: "GET /mcp/ws HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nconnection: upgrade\r\n",
  metrics: "GET /metrics HTTP/1.1\r\n",
  health: "GET /health HTTP/1.1\r\n",
  metadata: "GET /.well-known/oauth-protected-resource HTTP/1.1\r\n",
};

async function statusOf(port: number, head: string, host: string, origin: string | undefined) {
  const client = new RawClient(port);
  const close = head.includes("connection:") ? "" : "connection: close\r\n";
  const from = origin === undefined ? "" : `origin: ${origin}\r\n`;
  client.write(`${head}host: ${host}\r\n${from}${close}\r\n`);
  await bounded(client.ended, "the end of the connection");
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(client.text)?.[1]);
}

Deno.test("a foreign Host or Origin is refused on every endpoint, before anybody is asked who he is", async () => {
  await using gateway = await GuardedGateway.start({ auth: { clients: CLIENTS } });
  const port = Number(gateway.url().port);
  const hosts = new Map([
    [`127.0.0.1:${port}`, true],
    [`localhost:${port}`, true],
    [`[::1]:${port}`, true],
    ["evil.example", false],
    [`localhost.evil.example:${port}`, false],
    [`127.0.0.1.evil.example:${port}`, false],
  ]);
  const origins = new Map<string | undefined, boolean>([
    [undefined, true],
    [`http://127.0.0.1:${port}`, true],
    [`http://localhost:${port}`, true],
    ["http://evil.example", false],
    ["https://evil.example", false],
    ["null", false],
    [`http://localhost.evil.example:${port}`, false],
    [`http://localhost@evil.example:${port}`, false],
    [`HTTP://EVIL.EXAMPLE`, false],
    ["file://", false],
    ["http://192.0.2.1", false],
    [`http://127.0.0.1:${port}.evil.example`, false],
  ]);
  for (const [name, head] of Object.entries(ENDPOINTS)) {
    for (const [host, isOurs] of hosts) {
      for (const [origin, isGood] of origins) {
        const status = await statusOf(port, head, host, origin);
        const what = `${name}, Host ${host}, Origin ${origin}`;
        if (isOurs && isGood) assert.notEqual(status, 403, what);
        else assert.ok(status === 403 || status === 400, `${what}: ${status}`);
      }
    }
  }
});

/** The status of an answer over TLS. */
async function statusOverTls(port: number, head: string, host: string, origin: string) {
  const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  let text = "";
  socket.on("data", (bytes) => text += bytes);
  socket.on("error", () => {}); // "close" follows
  const closed = once(socket, "close");
  const close = head.includes("connection:") ? "" : "connection: close\r\n";
  socket.write(`${head}host: ${host}\r\norigin: ${origin}\r\n${close}\r\n`);
  await bounded(closed, "the end of the connection");
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
}

Deno.test("the same over TLS", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("gateway");
  await using gateway = await GuardedGateway.start({
    listen: [`https://127.0.0.1:0?cert=${cert}&key=${key}`],
    auth: { clients: CLIENTS },
  });
  const port = Number(gateway.url().port);
  const [own, evil] = [`127.0.0.1:${port}`, "evil.example"];
  for (const [name, head] of Object.entries(ENDPOINTS)) {
    const statuses = [
      await statusOverTls(port, head, own, `https://${own}`),
      await statusOverTls(port, head, own, `https://${evil}`),
      await statusOverTls(port, head, evil, `https://${own}`),
      await statusOverTls(port, head, evil, `https://${evil}`),
    ];
    assert.notEqual(statuses[0], 403, name);
    assert.deepEqual(statuses.slice(1), [403, 403, 403], name);
  }
});
