import assert from "node:assert/strict";
import { request } from "../../lib/core/compose.ts";
import type { Connection } from "../../lib/core/connection.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { rawAnswer } from "../fixtures/http_raw.ts";
import { EchoListener, leave } from "../unit/transports/websocket/echo_listener.ts";
import { frame, Opcode, RawWebSocket } from "./websocket_raw.ts";

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const IMPATIENT = { pingIntervalMs: 60, pongTimeoutMs: 40 };

Deno.test("a peer that answers no ping is given up after the second", async () => {
  await using listener = await EchoListener.bind({ server: IMPATIENT }, leave);
  const socket = await RawWebSocket.open(listener.port);
  const connection = await listener.accepted();
  await bounded(assert.rejects(connection.closed, /not answered two pings/), "the end");
  await bounded(socket.ended, "the end of the socket");
  assert.deepEqual(socket.frames.map(({ opcode }) => opcode), [Opcode.ping, Opcode.ping]);
});

Deno.test("a peer that answers pings stays", async () => {
  await using listener = await EchoListener.bind({ server: IMPATIENT });
  const socket = await RawWebSocket.open(listener.port);
  for (let pings = 1; pings <= 5; pings++) {
    await bounded(socket.until((_, index) => index === pings - 1), "a ping");
    socket.send(frame(Opcode.pong));
  }
  socket.send(frame(Opcode.text, PING));
  await bounded(socket.until(({ payload }) => payload === PING), "the echo");
  await socket.close();
});

Deno.test("a peer that is not read is not given up for its silence", async () => {
  await using listener = await EchoListener.bind({ server: IMPATIENT }, leave);
  const socket = await RawWebSocket.open(listener.port);
  const text = JSON.stringify({ jsonrpc: "2.0", method: "x", params: { x: "x".repeat(60_000) } });
  for (let i = 0; i < 400; i++) socket.send(frame(Opcode.text, text)); // fills the kernel, too
  const connection = await listener.accepted();
  await bounded(socket.until((_, index) => index === 4), "pings that it cannot answer");
  let count = 0;
  for await (const batch of connection.readable) if ((count += batch.length) === 400) break;
  assert.equal(count, 400);
  await socket.close();
});

Deno.test("a client that sends its calls and closes gets its answers first", async () => {
  let answer!: () => void;
  const asked = Promise.withResolvers<void>();
  await using listener = await EchoListener.bind({}, (connection) => {
    answer = () => void respond(connection);
    connection.readable.pipeTo(new WritableStream({ close: () => asked.resolve() }));
  });
  const respond = async ({ writable }: Connection) => {
    const writer = writable.getWriter();
    await writer.write([request(2, "answer")]);
    await writer.close();
  };
  const socket = await RawWebSocket.open(listener.port);
  socket.send(frame(Opcode.text, PING), frame(Opcode.close, new Uint8Array([0x0f, 0xa0])));
  await bounded(asked.promise, "the end of the calls");
  answer();
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 4000);
  assert.match(socket.frames[0].payload, /"method":"answer"/);
  await bounded(socket.ended, "the end");
});

Deno.test("a close frame is answered in any case", async () => {
  await using listener = await EchoListener.bind({ server: { closeTimeoutMs: 50 } }, leave);
  const socket = await RawWebSocket.open(listener.port);
  socket.send(frame(Opcode.close));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1005);
  const connection = await listener.accepted();
  await bounded(connection.closed, "the end in order");
});

Deno.test("a listener that shuts down ends its connections with 1001", async () => {
  await using listener = await EchoListener.bind();
  const sockets = [await RawWebSocket.open(listener.port), await RawWebSocket.open(listener.port)];
  await listener.accepted(1);
  await listener.listener[Symbol.asyncDispose]();
  const ends = listener.connections.map((connection) => connection[Symbol.asyncDispose]());
  for (const socket of sockets) {
    assert.equal(await bounded(socket.closeCode(), "the close frame"), 1001);
    socket.send(frame(Opcode.close, new Uint8Array([0x03, 0xe9])));
    await bounded(socket.ended, "the end");
  }
  await bounded(Promise.all(ends), "the end of the connections");
});

Deno.test("a peer that does not answer the close frame is left", async () => {
  await using listener = await EchoListener.bind({ server: { closeTimeoutMs: 50 } }, leave);
  const socket = await RawWebSocket.open(listener.port);
  const connection = await listener.accepted();
  await bounded(connection[Symbol.asyncDispose](), "the disposal");
  await bounded(socket.ended, "the end of the socket");
  assert.equal(await socket.closeCode(), 1000);
  await connection.closed;
});

Deno.test("a connection that is lost breaks", async () => {
  await using listener = await EchoListener.bind({}, leave);
  const socket = await RawWebSocket.open(listener.port);
  const connection = await listener.accepted();
  await socket.close();
  await bounded(assert.rejects(connection.closed, /it was lost/), "the end");
  await assert.rejects(connection.readable.getReader().read(), /it was lost/);
});

Deno.test("a peer that closes with an error is told from one that just closes", async () => {
  for (const [code, isError] of [[1000, false], [1001, false], [1011, true], [4000, true]]) {
    await using listener = await EchoListener.bind();
    const socket = await RawWebSocket.open(listener.port);
    const payload = new Uint8Array([Number(code) >> 8, Number(code) & 255, 0x62, 0x79, 0x65]);
    socket.send(frame(Opcode.text, PING), frame(Opcode.close, payload));
    assert.equal(await bounded(socket.closeCode(), "the close frame"), code);
    assert.equal(socket.frames[0].payload, PING);
    const { closed } = await listener.accepted();
    if (isError) await bounded(assert.rejects(closed, new RegExp(`${code} \\(bye\\)`)), "the end");
    else await bounded(closed, "the end");
  }
});

Deno.test("an abort tells its reason, however long and in whatever letters", async () => {
  await using listener = await EchoListener.bind({}, leave);
  const socket = await RawWebSocket.open(listener.port);
  const connection = await listener.accepted();
  connection.abort(new GatewayError("InternalError", `Cannot go on: ${"é".repeat(100)}`));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1011);
  const { payload } = socket.frames[0];
  assert.ok(payload.length <= 125 && payload.endsWith("\xc3\xa9"), "whole characters");
  await assert.rejects(connection.closed, /Cannot go on/);
  await socket.close();
});

Deno.test("a WebSocket outlives the timeouts of requests", async () => {
  const listenerOptions = {
    headersTimeoutMs: 60,
    requestTimeoutMs: 80,
    idleTimeoutMs: 40,
    checkIntervalMs: 20,
  };
  await using listener = await EchoListener.bind({ listener: listenerOptions });
  const socket = await RawWebSocket.open(listener.port);
  for (let i = 0; i < 3; i++) await rawAnswer(listener.port, "GET / HTTP/1.1\r\nhost: loc"); // takes as long
  socket.send(frame(Opcode.text, PING));
  await bounded(socket.until(({ payload }) => payload === PING), "the echo");
  await socket.close();
});
