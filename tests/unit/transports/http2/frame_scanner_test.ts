import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { type FrameHead, FrameScanner } from "../../../../transports/http2/frame_scanner.ts";
import { frame } from "../../../fault/http2_raw.ts";

const frames = fc.array(
  fc.record({
    type: fc.oneof(fc.nat(10), fc.nat(255)),
    flags: fc.nat(255),
    stream: fc.nat(0x7fffffff),
    payload: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 12 },
);
type Frames = typeof frames extends fc.Arbitrary<infer T> ? T : never;

function bytesOf(all: Frames): Buffer {
  return Buffer.concat(
    all.map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload)),
  );
}

function headsOf(all: Frames): FrameHead[] {
  return all.map(({ type, flags, stream, payload }) => {
    const { length } = payload;
    const end = type === 3 ? Math.min(4, length) : type === 7 ? Math.min(8, length) : 0;
    const code = end < 4 ? 0 : Buffer.from(payload).readUInt32BE(end - 4);
    return { length, type, flags, stream, code };
  });
}

/** The same bytes in pieces. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(60)));

Deno.test("FrameScanner finds every frame when the bytes come in any pieces", () => {
  fc.assert(fc.property(frames, sizes, (all, pieces) => {
    const heads: FrameHead[] = [];
    const scanner = new FrameScanner((head) => void heads.push({ ...head }));
    const bytes = bytesOf(all);
    for (const piece of cut(bytes, pieces)) assert.equal(scanner.push(piece), piece.length);
    assert.deepEqual(heads, headsOf(all));
    assert.ok(scanner.isBetween);
  }));
});

Deno.test("FrameScanner stops at the end of the frame that has begun", () => {
  fc.assert(fc.property(frames, fc.nat(400), sizes, (all, seen, pieces) => {
    const scanner = new FrameScanner(() => {});
    const bytes = bytesOf(all);
    let at = scanner.push(bytes.subarray(0, seen));
    for (const piece of cut(bytes.subarray(seen), pieces)) at += scanner.push(piece, 0, true);
    let boundary = 0;
    for (const { payload } of all) if (boundary < seen) boundary += 9 + payload.length;
    assert.equal(at, boundary);
    assert.ok(scanner.isBetween);
  }));
});

Deno.test("FrameScanner leaves out what is before the offset, and the reserved bit", () => {
  const heads: FrameHead[] = [];
  const scanner = new FrameScanner((head) => void heads.push({ ...head }));
  const ping = frame(6, 1, 0x80000005, new Uint8Array(8));
  assert.equal(scanner.push(Buffer.concat([Buffer.from("PRI"), ping]), 3), 3 + ping.length);
  assert.deepEqual(heads, [{ length: 8, type: 6, flags: 1, stream: 5, code: 0 }]);
});
