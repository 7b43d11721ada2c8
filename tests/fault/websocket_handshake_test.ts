import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { rawAnswer } from "../fixtures/http_raw.ts";
import { EchoListener } from "../unit/transports/websocket/echo_listener.ts";
import { frame, handshakeText, Opcode, RawWebSocket, refusedHandshake } from "./websocket_raw.ts";

Deno.test("WebSocketServerEndpoint agrees to a handshake by RFC 6455", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port, {
    connection: "keep-alive, Upgrade",
    upgrade: "WebSocket",
  });
  assert.match(socket.head, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  await socket.close();
});

Deno.test("WebSocketServerEndpoint names the subprotocol only when it was offered", async () => {
  await using listener = await EchoListener.bind();
  const cases: [offered: string | null, agreed: string | undefined][] = [
    [null, undefined],
    ["mcp", "mcp"],
    ["graphql-ws, mcp", "mcp"],
    ["graphql-ws", undefined],
    ["sluice.v1", undefined], // it is not enabled
    ["sluice.v1, mcp", "mcp"],
  ];
  for (const [offered, agreed] of cases) {
    const socket = await RawWebSocket.open(listener.port, { "sec-websocket-protocol": offered });
    const named = /sec-websocket-protocol: (.*)\r\n/i.exec(socket.head)?.[1];
    assert.equal(named, agreed, `offered ${offered}`);
    await socket.close();
  }
});

Deno.test("WebSocketServerEndpoint agrees to the framing between gateways where it is enabled", async () => {
  await using listener = await EchoListener.bind({ server: { hop: true } });
  const socket = await RawWebSocket.open(listener.port, {
    "sec-websocket-protocol": "mcp, sluice.v1",
  });
  assert.match(socket.head, /sec-websocket-protocol: sluice\.v1\r\n/i);
  await socket.close();
});

Deno.test("WebSocketServerEndpoint refuses what is no handshake, before 101", async () => {
  await using listener = await EchoListener.bind();
  const cases: [string, Record<string, string | null>, number][] = [
    ["POST", { "": "POST /mcp/ws HTTP/1.1", "content-length": "0" }, 405],
    ["a body", { "content-length": "5" }, 400],
    ["chunks", { "transfer-encoding": "chunked" }, 400],
    ["version 7", { "sec-websocket-version": "7" }, 426],
    ["version 8", { "sec-websocket-version": "8" }, 426],
    ["no version", { "sec-websocket-version": null }, 426],
    ["no key", { "sec-websocket-key": null }, 400],
    ["a key of 3 bytes", { "sec-websocket-key": "YWJj" }, 400],
    ["a key that is no base64", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZ!==" }, 400],
    ["another path", { "": "GET /mcp/other HTTP/1.1" }, 404],
    ["a token in the URL", { "": "GET /mcp/ws?token=abc HTTP/1.1" }, 400],
    ["an access token in the URL", { "": "GET /mcp/ws?x=1&access%5Ftoken=abc HTTP/1.1" }, 400],
    ["a foreign Origin", { origin: "http://evil.example" }, 403],
    ["a null Origin", { origin: "null" }, 403],
    ["a foreign Host", { host: "evil.example" }, 403],
    ["no Host", { host: null }, 400],
    [
      "an extension that cannot be read",
      { "sec-websocket-extensions": "permessage-deflate; =" },
      400,
    ],
  ];
  for (const [name, changes, status] of cases) {
    const behind = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const { statuses } = await bounded(refusedHandshake(listener.port, changes, behind), name);
    assert.deepEqual(statuses, [status], `${name}; nothing behind it is read`);
  }
  assert.equal(listener.connections.length, 0);
});

Deno.test("WebSocketServerEndpoint names its version when another is asked for", async () => {
  await using listener = await EchoListener.bind();
  const { text } = await refusedHandshake(listener.port, { "sec-websocket-version": "8" });
  assert.match(text, /sec-websocket-version: 13\r\n/);
  const plain = "GET /mcp/ws HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
  assert.deepEqual((await rawAnswer(listener.port, plain)).statuses, [426]);
});

Deno.test("WebSocketServerEndpoint takes parameters that it does not know, and its own Origin", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port, {
    "": "GET /mcp/ws?client_id=a&compression=gzip&last_event_id=7 HTTP/1.1",
    origin: `http://localhost:${listener.port}`,
  });
  await socket.close();
});

Deno.test("WebSocketServerEndpoint does without compression where a window would be too small", async () => {
  await using listener = await EchoListener.bind();
  const small = "permessage-deflate; server_max_window_bits=9";
  const socket = await RawWebSocket.open(listener.port, { "sec-websocket-extensions": small });
  assert.doesNotMatch(socket.head, /sec-websocket-extensions/i);
  await socket.close();
});

Deno.test("WebSocketServerEndpoint takes what came with the handshake", async () => {
  await using listener = await EchoListener.bind();
  const message = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  const frames = [...frame(Opcode.text, message), ...frame(Opcode.close)];
  const behind = String.fromCharCode(...frames);
  const { text } = await bounded(rawAnswer(listener.port, handshakeText() + behind), "the answer");
  assert.ok(text.includes(message));
});
