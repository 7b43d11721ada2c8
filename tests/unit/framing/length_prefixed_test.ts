import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import { LengthFrames } from "../../../lib/framing/length_frames.ts";
import { lengthPrefixed } from "../../../lib/framing/length_prefixed.ts";

const codec = lengthPrefixed({ messageBytesMax: 1000 });
const ping = request(1, "ping");

Deno.test("lengthPrefixed() writes the length in 32 bits, big-endian, before the text as it is", () => {
  const frame = codec.encode([ping]);
  assert.deepEqual([...frame.subarray(0, 4)], [0, 0, 0, ping.bytes.length]);
  assert.deepEqual(frame.subarray(4), ping.bytes);
  const large = lengthPrefixed({ messageBytesMax: 1e6 }).encode([
    request(1, "ping", { text: "x".repeat(70_000) }),
  ]);
  assert.equal(new DataView(large.buffer).getUint32(0), large.length - 4);
});

Deno.test("lengthPrefixed() hands on the frames of one chunk as views of it", () => {
  const chunk = codec.encode([ping, ping]);
  const batch = codec.decoder().push(chunk);
  assert.equal(batch.length, 2);
  for (const message of batch) assert.equal(message.bytes.buffer, chunk.buffer);
});

Deno.test("lengthPrefixed() goes on after an empty frame and after one that is no message", () => {
  const nonsense = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0x78);
  const chunk = new Uint8Array([...nonsense, ...codec.encode([ping])]);
  const [empty, bad, good] = codec.decoder().push(chunk);
  assert.deepEqual([empty.problem?.failure, empty.problem?.fatal], ["InvalidRequest", false]);
  assert.deepEqual([bad.problem?.failure, bad.problem?.fatal], ["ParseError", false]);
  assert.equal(good.method, "ping");
});

Deno.test("lengthPrefixed() tells of a frame that the end cuts off, and of no other end", () => {
  const frame = codec.encode([ping]);
  for (let cut = 0; cut <= frame.length; cut++) {
    const target = codec.decoder();
    target.push(frame.slice(0, cut));
    const failures = target.end().map(({ problem }) => `${problem?.failure} ${problem?.fatal}`);
    assert.deepEqual(failures, cut % frame.length === 0 ? [] : ["ParseError true"]);
  }
});

Deno.test("LengthFrames takes memory for what has come, not for what was announced", () => {
  const frames = new LengthFrames(0xffff_ffff);
  assert.equal(frames.push(Uint8Array.of(255, 255, 255, 255, 1, 2, 3), () => {}), undefined);
  assert.equal(frames.heldBytes, 3);
});
