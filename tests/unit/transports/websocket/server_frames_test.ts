import assert from "node:assert/strict";
import { serverFrames } from "../../../../transports/websocket/server_frames.ts";

Deno.test("serverFrames() writes each of the three forms of a length", () => {
  const heads: [number, number[]][] = [
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 255, 255]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ];
  for (const [length, head] of heads) {
    const payload = new Uint8Array(length).fill(7);
    assert.deepEqual([...serverFrames([payload], false)], [...head, ...payload]);
  }
});

Deno.test("serverFrames() puts frames behind each other", () => {
  const payloads = [new Uint8Array([1, 2]), new Uint8Array([3])];
  assert.deepEqual([...serverFrames(payloads, true)], [0x82, 2, 1, 2, 0x82, 1, 3]);
});
