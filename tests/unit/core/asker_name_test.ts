import assert from "node:assert/strict";
import { withAsker, withoutAsker } from "../../../lib/core/asker_name.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("withoutAsker() gives back what withAsker() was given", () => {
  for (const raw of ["1", '"a"', '"1:2"', '"\\u0061\\n"', "12345678901234567890"]) {
    const named = withoutAsker(withAsker(7, bytes(raw)))!;
    assert.deepEqual([named.member, text(named.raw)], [7, raw]);
  }
});

Deno.test("withAsker() gives different members different ids", () => {
  assert.notEqual(text(withAsker(1, bytes("1"))), text(withAsker(11, bytes("1"))));
});

Deno.test("withoutAsker() knows what is none of the pool's", () => {
  for (const raw of ["1", '"a"', '"a:1"', "null"]) {
    assert.equal(withoutAsker(bytes(raw)), undefined);
  }
});
