import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { request } from "../../lib/core/compose.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { HttpsScene } from "../fixtures/https_scene.ts";
import { block, fields, Flag, type Frame, frame, RawHttp2, Type } from "./http2_raw.ts";

const JSON_FIELDS = { "content-type": "application/json", accept: "application/json" };
/** Error codes (RFC 9113, 7). */
const Code = { protocolError: 1, frameSizeError: 6, cancel: 8, enhanceYourCalm: 11 } as const;
const NOTHING = new Uint8Array(0);
const MEBIBYTE = 1024 * 1024;

/** One after the other, until the server has closed. */
type Round = (i: number) => Uint8Array;

const four = (value: number) => Buffer.from([0, 0, 0, value]);
const get = (stream: number, flags: number, more = {}) =>
  frame(Type.headers, flags, stream, block(fields("GET", "/nothing", more)));
const reset = (stream: number) => frame(Type.reset, 0, stream, four(Code.cancel));
/** A field of 4000 bytes that enters the table, and a block that names it 16,000 times: 64 MB (RFC 7541, 6.1). */
const ENTRY = Buffer.concat([
  Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]),
  Buffer.alloc(4000, "y"),
]);
const bomb = (stream: number) => {
  const head = block(fields("GET", "/nothing"));
  const all = [head, stream === 1 ? ENTRY : Buffer.alloc(16_000, 0xbe)];
  return frame(Type.headers, Flag.endHeaders | Flag.endStream, stream, Buffer.concat(all));
};

const FLOODS: Readonly<Record<string, readonly [Round, code: number]>> = {
  "resets": [
    (i) => Buffer.concat([get(2 * i + 1, Flag.endHeaders), reset(2 * i + 1)]),
    Code.enhanceYourCalm,
  ],
  "resets that the server is made to send": [
    (i) => Buffer.concat([get(2 * i + 1, 4), frame(Type.windowUpdate, 0, 2 * i + 1, four(0))]),
    Code.protocolError,
  ],
  "streams": [(i) => get(2 * i + 1, Flag.endHeaders), Code.enhanceYourCalm],
  "header fields": [
    (i) => i === 0 ? get(1, 0) : frame(Type.continuation, 0, 1, block({ x: "y".repeat(4096) })),
    Code.enhanceYourCalm,
  ],
  "empty CONTINUATION": [
    (i) => i === 0 ? get(1, 0) : frame(Type.continuation, 0, 1, NOTHING),
    Code.enhanceYourCalm,
  ],
  "header fields that unfold": [(i) => bomb(2 * i + 1), Code.enhanceYourCalm],
  "SETTINGS": [() => frame(Type.settings, 0, 0, NOTHING), Code.enhanceYourCalm],
  "PING": [() => frame(Type.ping, 0, 0, Buffer.alloc(8)), Code.enhanceYourCalm],
  "PRIORITY": [() => frame(2, 0, 1, Buffer.from([0, 0, 0, 0, 1])), Code.enhanceYourCalm],
  "frames without a meaning": [() => frame(0x77, 0, 0, NOTHING), Code.enhanceYourCalm],
  "WINDOW_UPDATE": [() => frame(Type.windowUpdate, 0, 0, four(1)), Code.enhanceYourCalm],
  "empty DATA": [
    (i) => i === 0 ? get(1, Flag.endHeaders) : frame(Type.data, 0, 1, NOTHING),
    Code.enhanceYourCalm,
  ],
  "a frame too large": [() => frame(Type.data, 0, 1, Buffer.alloc(16_385)), Code.frameSizeError],
};

/** Floods a connection until the server has closed it. Returns the code of its GOAWAY. */
async function flood(port: number, round: Round): Promise<number | undefined> {
  const client = await RawHttp2.begin(port);
  let isClosed = false;
  void client.closed.then(() => isClosed = true);
  for (let i = 0; i < 200_000 && !isClosed; i += 50) {
    const rounds = Array.from({ length: 50 }, (_, j) => round(i + j));
    await bounded(client.write(Buffer.concat(rounds)), "a server that reads or closes");
  }
  return await client.end();
}

/** Sends a call. Resolves with the status of its answer. */
function call(client: RawHttp2, stream: number, method: string): Promise<number> {
  void client.request(stream, fields("POST", "/mcp", JSON_FIELDS), 0);
  void client.send(Type.data, Flag.endStream, stream, request(1, method).bytes);
  return client.status(stream);
}

for (const [name, [round, code]] of Object.entries(FLOODS)) {
  Deno.test(`a flood of ${name} ends its connection with a reason, and others go on`, async () => {
    const violations: string[] = [];
    const onViolation = (reason: string, address?: string) => {
      violations.push(reason);
      assert.equal(address, "127.0.0.1");
    };
    await using scene = await HttpsScene.start({ onViolation });
    const other = await RawHttp2.begin(scene.http.port);
    assert.equal(await flood(scene.http.port, round), code);
    assert.equal(violations.length, 1);
    assert.equal(await call(other, 1, "echo"), 200);
    await other.close();
  });
}

Deno.test("what a client sends before its connection is served, or after its end, is not kept", async () => {
  await using scene = await HttpsScene.start();
  const client = await RawHttp2.begin(scene.http.port);
  let takenBytes = 0;
  const piece = frame(Type.continuation, 0, 1, Buffer.alloc(16_000));
  void client.write(get(1, 0));
  for (let bytes = 0; bytes < 128 * MEBIBYTE; bytes += piece.length) {
    void client.write(piece).then(() => takenBytes += piece.length * Number(!client.isClosed));
  }
  assert.equal(await client.end(), Code.enhanceYourCalm);
  assert.ok(takenBytes < 32 * MEBIBYTE, `${takenBytes} bytes were taken`); // the system's own buffers
});

Deno.test("a client that cancels its calls, pings and has a cookie too many stays connected", async () => {
  const violations: string[] = [];
  await using scene = await HttpsScene.start({ onViolation: (reason) => violations.push(reason) });
  const { gateway } = scene;
  const client = await RawHttp2.begin(scene.http.port);
  let stream = 1;
  for (; stream < 200; stream += 2) void call(client, stream, "hold").catch(() => {});
  await bounded(gateway.until(() => gateway.held.length === 100), "calls");
  for (let held = 1; held < 200; held += 2) void client.write(reset(held));
  await bounded(Promise.all(gateway.held.map(({ closed }) => closed)), "the end of the calls");
  const atOnce: Uint8Array[] = [];
  for (; stream < 320; stream += 2) atOnce.push(get(stream, Flag.endHeaders), reset(stream));
  void client.write(Buffer.concat(atOnce)); // hyper would not stand 20 of them
  for (let i = 0; i < 500; i++) void client.send(Type.ping, 0, 0, Buffer.alloc(8));
  for (let i = 0; i < 5; i++, stream += 2) {
    const head = block(fields("GET", "/nothing", { cookie: "x".repeat(20_000) }));
    void client.send(Type.headers, Flag.endStream, stream, head.subarray(0, 16_000));
    void client.send(Type.continuation, Flag.endHeaders, stream, head.subarray(16_000));
    const own = stream;
    const isAnswer = (frame: Frame) => frame.type === Type.headers && frame.stream === own;
    await client.until("an answer", isAnswer);
    if (i === 0) assert.equal(await client.status(stream), 431); // then it is in the table
  }
  assert.equal(await call(client, stream, "echo"), 200);
  assert.equal(client.frames.filter(({ type }) => type === Type.ping).length, 500);
  assert.deepEqual(violations, []);
  await client.close();
});
