import assert from "node:assert/strict";
import zlib from "node:zlib";
import { request } from "../../lib/core/compose.ts";
import { Outbox } from "../../lib/core/outbox.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { echo, EchoListener, leave } from "../unit/transports/websocket/echo_listener.ts";
import { frame, Opcode, RawWebSocket } from "./websocket_raw.ts";

const KIB = 1024, MIB = 1024 * KIB;

Deno.test("an endless message ends with 1009 at the message limit", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port);
  const fragment = new Uint8Array(MIB);
  socket.send(frame(Opcode.binary, fragment, { fin: false }));
  for (let i = 0; i < 4; i++) {
    socket.send(frame(Opcode.continuation, fragment, { fin: false }));
  }
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1009);
  for (let i = 0; i < 32; i++) socket.send(frame(Opcode.continuation, fragment, { fin: false }));
  await bounded(socket.ended, "the end: what still comes is not read for ever");
});

Deno.test("a frame that announces too much ends with 1009 before it comes", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port);
  socket.send(frame(Opcode.text, new Uint8Array(5 * MIB)).subarray(0, 14));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1009);
  await socket.close();
});

Deno.test("a deflate bomb ends with 1009", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port, {
    "sec-websocket-extensions": "permessage-deflate",
  });
  const bomb = zlib.deflateRawSync(new Uint8Array(64 * MIB), {
    finishFlush: zlib.constants.Z_SYNC_FLUSH,
  });
  const payload = new Uint8Array(bomb.subarray(0, bomb.length - 4));
  socket.send(frame(Opcode.text, payload, { isCompressed: true }));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1009);
  await socket.close();
});

Deno.test("many bombs below the message limit end with 1008 when nobody reads them", async () => {
  const messageBytesMax = 256 * KIB;
  await using listener = await EchoListener.bind({ server: { messageBytesMax } }, leave);
  const socket = await RawWebSocket.open(listener.port, {
    "sec-websocket-extensions": "permessage-deflate",
  });
  const text = `{"jsonrpc":"2.0","method":"x","params":{"x":"${"x".repeat(200 * KIB)}"}}`;
  const flushed = zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  const payload = new Uint8Array(flushed.subarray(0, flushed.length - 4));
  const message = frame(Opcode.text, payload, { isCompressed: true });
  const many = new Uint8Array(40 * message.length);
  for (let i = 0; i < 40; i++) many.set(message, i * message.length);
  socket.send(many);
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1008);
  await socket.close();
});

Deno.test("fragments of one byte end with 1008", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port);
  const one = frame(Opcode.continuation, "x", { fin: false });
  const many = new Uint8Array(1000 * one.length);
  for (let i = 0; i < 1000; i++) many.set(one, i * one.length);
  socket.send(frame(Opcode.text, "x", { fin: false }));
  for (let i = 0; i < 20; i++) socket.send(many);
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1008);
  await socket.close();
});

Deno.test("pings are answered up to the limit of a second, then 1008", async () => {
  await using listener = await EchoListener.bind();
  const socket = await RawWebSocket.open(listener.port);
  const pings = (count: number) => {
    const ping = frame(Opcode.ping, "p");
    const many = new Uint8Array(count * ping.length);
    for (let i = 0; i < count; i++) many.set(ping, i * ping.length);
    return many;
  };
  socket.send(pings(1000));
  await bounded(socket.until((_, index) => index === 999), "1000 pongs");
  assert.ok(socket.frames.every(({ opcode }) => opcode === Opcode.pong));
  socket.send(pings(10_000));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1008);
  await socket.close();
});

Deno.test("a peer that pings and does not read is given up", async () => {
  const limits = { controlFramesPerSecondMax: 1e9, bufferBytesMax: 16 * KIB };
  await using listener = await EchoListener.bind({ server: limits }, leave);
  const socket = await RawWebSocket.open(listener.port);
  socket.pause();
  const ping = frame(Opcode.ping, "p".repeat(125));
  const many = new Uint8Array(10_000 * ping.length);
  for (let i = 0; i < 10_000; i++) many.set(ping, i * ping.length);
  for (let i = 0; i < 30; i++) socket.send(many);
  const connection = await listener.accepted();
  await bounded(assert.rejects(connection.closed, /does not read/), "the end");
  await socket.close();
});

Deno.test("content that is no message is answered, and too much of it ends with 1008", async () => {
  const answered: string[] = [];
  await using listener = await EchoListener.bind({}, async (connection) => {
    for await (const batch of connection.readable) {
      for (const { problem } of batch) answered.push(`${problem!.code} ${problem!.fatal}`);
    }
    await connection.writable.close();
  });
  const socket = await RawWebSocket.open(listener.port);
  for (let i = 0; i < 20; i++) socket.send(frame(Opcode.text, "no message"));
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1008);
  assert.deepEqual(answered, [...Array(16).fill("-32700 false"), "-32700 true"]);
  await socket.close();
});

Deno.test("text that is not UTF-8 ends with 1007, frames that break the protocol with 1002", async () => {
  await using listener = await EchoListener.bind();
  const unmasked = frame(Opcode.text, "{}");
  unmasked[1] &= 127;
  const cases: [string, Uint8Array, number][] = [
    ["text", frame(Opcode.text, new Uint8Array([0x22, 0xc0, 0xaf, 0x22])), 1007],
    ["opcode", frame(3, "x"), 1002],
    ["mask", unmasked, 1002],
    ["fragment", frame(Opcode.continuation, "x"), 1002],
    ["compression", frame(Opcode.text, "x", { isCompressed: true }), 1002],
  ];
  for (const [name, bytes, code] of cases) {
    const socket = await RawWebSocket.open(listener.port);
    socket.send(bytes);
    assert.equal(await bounded(socket.closeCode(), name), code, name);
    await socket.close();
  }
});

Deno.test("a slow reader is told 1013 by a frame that overtakes what waits for it", async () => {
  await using listener = await EchoListener.bind({}, leave);
  const socket = await RawWebSocket.open(listener.port);
  socket.pause();
  const connection = await listener.accepted();
  const outbox = new Outbox(connection, { writeStallMs: 100 });
  outbox.push(request(1, "x", { text: "x".repeat(64 * MIB) })); // more than any kernel buffers
  await bounded(assert.rejects(connection.closed, /took nothing for 100 ms/), "the end");
  socket.resume();
  assert.equal(await bounded(socket.closeCode(), "the close frame"), 1013);
  await socket.close();
});

Deno.test("messages longer than a frame are sent in several", async () => {
  await using listener = await EchoListener.bind({ server: { frameBytesMax: 1000 } }, echo);
  const socket = await RawWebSocket.open(listener.port);
  const text = `{"jsonrpc":"2.0","method":"x","params":{"text":"${"x".repeat(2500)}"}}`;
  socket.send(frame(Opcode.text, text));
  await bounded(socket.until(({ fin }) => fin), "the last frame");
  assert.deepEqual(socket.frames.map(({ opcode, fin }) => [opcode, fin]), [
    [Opcode.text, false],
    [Opcode.continuation, false],
    [Opcode.continuation, true],
  ]);
  assert.equal(socket.frames.map(({ payload }) => payload).join(""), text);
  await socket.close();
});

Deno.test("messages over 1 KiB are compressed, smaller ones are not", async () => {
  await using listener = await EchoListener.bind({}, echo);
  const socket = await RawWebSocket.open(listener.port, {
    "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
  });
  const message = (size: number) =>
    `{"jsonrpc":"2.0","method":"x","params":{"text":"${"x".repeat(size)}"}}`;
  for (const size of [10, 2000, 10]) socket.send(frame(Opcode.text, message(size)));
  await bounded(socket.until((_, index) => index === 2), "three echoes");
  assert.deepEqual(socket.frames.map(({ isCompressed }) => isCompressed), [false, true, false]);
  assert.ok(socket.frames[1].payload.length < 200);
  await socket.close();
});
