import assert from "node:assert/strict";
import { idBytes, idKey, idNumber, isRequestId } from "../../../lib/core/message_id.ts";

const encoder = new TextEncoder();
const key = (text: string) => idKey(encoder.encode(text));

Deno.test("idKey() is the same for spellings of one id and differs otherwise", () => {
  assert.equal(key("1"), key("1.0"));
  assert.equal(key("0"), key("-0"));
  assert.equal(key("0"), key("-0.0"));
  assert.equal(key('"a"'), key('"\\u0061"'));
  assert.equal(key('"é"'), key('"\\u00e9"'));
  const different = ["1", "-1", '"1"', '"-1"', "10", "9007199254740992", "9007199254740993", '""'];
  assert.equal(new Set(different.map(key)).size, different.length);
  assert.notEqual(key("123456789012345678901234567890"), key("123456789012345678901234567891"));
});

Deno.test("idNumber() reads only plain digits", () => {
  const number = (text: string) => idNumber(encoder.encode(text), 0, text.length);
  assert.equal(number("0"), 0);
  assert.equal(number("123456789012345"), 123456789012345);
  for (const text of ["", "-1", "01", "1.0", '"1"', "1e3", "1234567890123456"]) {
    assert.equal(number(text), -1, text);
  }
  assert.equal(number(new TextDecoder().decode(idBytes(4711))), 4711);
});

Deno.test("isRequestId() takes strings and integers", () => {
  const is = (text: string) => isRequestId(encoder.encode(text), 0, text.length);
  for (const text of ["0", "-5", "1.0", "1.000", '""', '"x"']) assert.ok(is(text), text);
  for (const text of ["1.5", "1.01", "1e3", "null", "true", "[]", "{}"]) assert.ok(!is(text), text);
});
