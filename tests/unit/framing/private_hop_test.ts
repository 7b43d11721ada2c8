import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { request } from "../../../lib/core/compose.ts";
import type { Batch } from "../../../lib/core/connection.ts";
import { Message } from "../../../lib/core/message.ts";
import { CompressionMeter } from "../../../lib/framing/compression/meter.ts";
import { compressorByName } from "../../../lib/framing/compression/compressors.ts";
import { isZstdAvailable } from "../../../lib/framing/compression/zlib_formats.ts";
import { privateHop } from "../../../lib/framing/private_hop.ts";

const messageBytesMax = 4 * 1024 * 1024;
const READS_ZSTD = 0x80;
const ID = { none: 0, gzip: 1, deflate: 2, lz4: 3, zstd: 4 } as const;
const encoder = new TextEncoder();

const call = (byteLength: number) =>
  request(1, "tools/call", { name: "write", text: '{"path": "src"}, '.repeat(byteLength / 17) });

interface Frame {
  readonly codec: number;
  readonly readsZstd: boolean;
  readonly payload: Uint8Array;
}

function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at);
    const codec = bytes[at + 4];
    const payload = bytes.subarray(at + 5, at + 4 + length);
    frames.push({ codec: codec & 0x7f, readsZstd: (codec & READS_ZSTD) !== 0, payload });
    at += 4 + length;
  }
  return frames;
}

function frame(codec: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length);
  new DataView(bytes.buffer).setUint32(0, payload.length + 1);
  bytes[4] = codec;
  bytes.set(payload, 5);
  return bytes;
}

/** The codecs of the two ends of one connection, which have heard of each other. */
function acquainted(options: Partial<Parameters<typeof privateHop>[0]>) {
  const ours = privateHop({ messageBytesMax, ...options });
  const theirs = privateHop({ messageBytesMax });
  ours.decoder().push(theirs.encode([request(1, "ping")]));
  return ours;
}

function problems(batch: Batch): string[] {
  return batch.map(({ problem }) => `${problem?.failure}${problem?.fatal ? " fatal" : ""}`);
}

const decode = (bytes: Uint8Array, max = messageBytesMax) =>
  privateHop({ messageBytesMax: max }).decoder().push(bytes);

Deno.test("privateHop() sends a batch as the lines of one frame", () => {
  const batch = [request(1, "ping"), request(2, "ping")];
  const [only, ...more] = framesOf(privateHop({ messageBytesMax }).encode(batch));
  assert.deepEqual(more, []);
  assert.equal(only.codec, ID.none);
  assert.equal(only.readsZstd, isZstdAvailable());
  const lines = new TextDecoder().decode(only.payload).split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).id), [1, 2]);
});

Deno.test("privateHop() compresses by the rule, from 1 KiB of a whole batch", () => {
  const codecOf = (batch: Batch, options: Partial<Parameters<typeof privateHop>[0]>) =>
    framesOf(acquainted(options).encode(batch)).map(({ codec }) => codec);
  const many = Array.from({ length: 20 }, () => call(100));
  assert.deepEqual(codecOf([call(500)], { latencyBudgetMs: 1e9 }), [ID.none]);
  assert.deepEqual(codecOf(many, { latencyBudgetMs: 4 }), [ID.lz4]);
  assert.deepEqual(codecOf(many, { latencyBudgetMs: 4, cpuFree: () => 0.1 }), [ID.gzip]);
  assert.deepEqual(codecOf([call(20_000)], { latencyBudgetMs: 8 }), [ID.gzip]);
  assert.deepEqual(codecOf([call(20_000)], { latencyBudgetMs: 11 }), [ID.zstd]);
  assert.deepEqual(codecOf([call(20_000)], { compress: "none" }), [ID.none]);
  assert.deepEqual(codecOf([call(20_000)], { compress: "deflate" }), [ID.deflate]);
});

Deno.test("privateHop() sends zstd only to a peer that said it reads it", () => {
  const ours = privateHop({ messageBytesMax, compress: "zstd" });
  const codec = () => framesOf(ours.encode([call(20_000)]))[0].codec;
  const ping = encoder.encode('{"jsonrpc":"2.0","id":1,"method":"ping"}');
  assert.equal(codec(), ID.lz4);
  const theirs = ours.decoder();
  theirs.push(frame(ID.none | READS_ZSTD, ping));
  assert.equal(codec(), ID.zstd);
  theirs.push(frame(ID.none, ping));
  assert.equal(codec(), ID.lz4);
});

Deno.test("privateHop() sends as it is what does not become smaller", () => {
  const noise = Array.from(crypto.getRandomValues(new Uint8Array(3000)), (n) => 33 + n % 90);
  const text = String.fromCharCode(...noise).replace(/["\\]/g, "a");
  const batch = [request(1, "m", { text })];
  const [only] = framesOf(privateHop({ messageBytesMax, compress: "lz4" }).encode(batch));
  assert.equal(only.codec, ID.none);
});

Deno.test("privateHop() spreads a large batch over frames of 256 KiB and 1000 messages", () => {
  const ours = privateHop({ messageBytesMax, compress: "none" });
  const large = Array.from({ length: 100 }, () => call(10_000));
  const frames = framesOf(ours.encode(large));
  assert.equal(frames.length, 5);
  for (const { payload } of frames) assert.ok(payload.length <= 256 * 1024);
  const small = Array.from({ length: 2500 }, (_, i) => request(i, "ping"));
  assert.equal(framesOf(ours.encode(small)).length, 3);
  assert.deepEqual(decode(ours.encode(small)).map((message) => message.json().id).at(-1), 2499);
  assert.equal(framesOf(ours.encode([call(1_000_000), call(10)])).length, 2);
});

Deno.test("privateHop() takes a frame of 256 KiB whatever its own message limit", () => {
  const bytes = privateHop({ messageBytesMax }).encode(
    Array.from({ length: 100 }, () => call(2500)),
  );
  const batch = decode(bytes, 4000);
  assert.equal(batch.length, 100);
  assert.ok(batch.every(({ kind }) => kind === "request"));
});

Deno.test("privateHop() refuses bombs without inflating them", () => {
  const header = (bytes: number) =>
    Uint8Array.of(bytes & 255, bytes >>> 8 & 255, bytes >>> 16 & 255, bytes >>> 24);
  const bomb = zstdCompressSync(new Uint8Array(100 * 1024 * 1024));
  for (const claim of [0, 1000, 64 * 1024 * 1024, 100 * 1024 * 1024, 0xffff_ffff]) {
    const payload = new Uint8Array([...header(claim), ...bomb]);
    const [problem] = problems(decode(frame(ID.zstd, payload)));
    assert.equal(
      problem,
      claim > 64 * 1024 * 1024 ? "PayloadTooLarge fatal" : "ParseError fatal",
    );
  }
});

Deno.test("privateHop() refuses a frame of too many lines before reading them all", () => {
  for (const line of ["\n", "x\n"]) {
    const payload = compressorByName("lz4")!.compress(encoder.encode(line.repeat(1_000_000)));
    const batch = decode(frame(ID.lz4, payload));
    assert.equal(problems(batch).at(-1), "PayloadTooLarge fatal");
    assert.ok(batch.length <= 10_001);
  }
});

Deno.test("privateHop() refuses unknown codecs and broken frames, and names empty ones", () => {
  const lz4 = compressorByName("lz4")!.compress(call(5000).bytes);
  assert.deepEqual(problems(decode(frame(99, lz4))), ["ParseError fatal"]);
  assert.deepEqual(problems(decode(frame(ID.lz4, lz4.slice(0, -3)))), ["ParseError fatal"]);
  assert.deepEqual(problems(decode(frame(ID.gzip, lz4))), ["ParseError fatal"]);
  const empty = [frame(ID.none, new Uint8Array(0)), Uint8Array.of(0, 0, 0, 0)];
  for (const bytes of [...empty, frame(ID.none, encoder.encode("\r\n \n"))]) {
    assert.deepEqual(problems(decode(bytes)), ["InvalidRequest"]);
  }
  const long = frame(ID.none, encoder.encode(`{"a":"${"x".repeat(1000)}"}`));
  assert.deepEqual(problems(decode(long, 999)), ["PayloadTooLarge fatal"]);
});

Deno.test("privateHop() measures what it compresses", () => {
  const meter = new CompressionMeter();
  const ours = privateHop({ messageBytesMax, compress: "lz4", meter });
  ours.encode([call(20_000)]);
  ours.encode([Message.from(encoder.encode('{"jsonrpc":"2.0","id":1,"method":"ping"}'))]);
  assert.equal(meter.totals("lz4").pieces, 1);
  assert.ok(meter.ratio("lz4") > 10);
});
