import assert from "node:assert/strict";
import { giveBack, lend } from "../../../lib/framing/write_buffers.ts";

Deno.test("lend() gives as many bytes as asked, and what was given back again", () => {
  for (const byteLength of [0, 1, 4096, 4097, 20_480, 86_016]) {
    const bytes = lend(byteLength);
    assert.equal(bytes.length, byteLength);
    giveBack(bytes);
    assert.equal(lend(byteLength).buffer, bytes.buffer);
  }
});

Deno.test("lend() never gives what is still lent", () => {
  const one = lend(100), other = lend(100);
  assert.notEqual(one.buffer, other.buffer);
});

Deno.test("lend() makes large buffers for the occasion", () => {
  const large = lend(1_000_000);
  assert.equal(large.length, 1_000_000);
  giveBack(large);
  assert.notEqual(lend(1_000_000).buffer, large.buffer);
});
