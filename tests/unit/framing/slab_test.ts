import assert from "node:assert/strict";
import { SlabReader } from "../../../lib/framing/slab.ts";

Deno.test("SlabReader never writes again what it has handed out", async () => {
  let count = 0;
  const reader = new SlabReader({
    read(into) {
      const byteLength = Math.min(into.length, 40_000);
      into.fill(++count, 0, byteLength);
      return Promise.resolve(byteLength);
    },
  });
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < 50; i++) chunks.push((await reader.read())!);
  chunks.forEach((chunk, i) => {
    assert.equal(chunk.length, 40_000);
    assert.ok(chunk.every((byte) => byte === i + 1));
  });
});

Deno.test("SlabReader always offers room for a full pipe, and shares slabs among small reads", async () => {
  const reader = new SlabReader({
    read(into) {
      assert.ok(into.length >= 64 * 1024);
      return Promise.resolve(100);
    },
  });
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1000; i++) buffers.add((await reader.read())!.buffer);
  assert.equal(buffers.size, 1);
});

Deno.test("SlabReader tells the end", async () => {
  assert.equal(await new SlabReader({ read: () => Promise.resolve(null) }).read(), null);
});
