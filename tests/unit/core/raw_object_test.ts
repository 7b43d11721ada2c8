import assert from "node:assert/strict";
import fc from "fast-check";
import { RawObject } from "../../../lib/core/raw_object.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array | undefined) => raw && new TextDecoder().decode(raw);

Deno.test("RawObject keeps the bytes of every value that it does not change", () => {
  const object = new RawObject(bytes(' { "n" : 1.0 , "big":12345678901234567890,"s":"\\u0061" } '));
  object.put("new", { a: [1] }).delete("s");
  assert.equal(text(object.get("n")), "1.0");
  assert.equal(text(object.bytes()), '{"n":1.0,"big":12345678901234567890,"new":{"a":[1]}}');
});

Deno.test("RawObject reads escaped keys, and of repeated ones the last", () => {
  const object = new RawObject(bytes('{"\\u0061":1,"a":2}'));
  assert.equal(object.size, 1);
  assert.equal(object.value("a"), 2);
  assert.equal(text(object.object("a").bytes()), "{}");
});

Deno.test("RawObject refuses what is no object", () => {
  for (const bad of ["[]", "1", "{", '{"a"}', '{"a":1,}', '{"a":1 "b":2}']) {
    assert.throws(() => new RawObject(bytes(bad)), bad);
  }
});

Deno.test("RawObject.bytes() means what it was read from", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
    const json = JSON.stringify(value);
    assert.deepEqual(JSON.parse(text(new RawObject(bytes(json)).bytes())!), JSON.parse(json));
  }));
});
