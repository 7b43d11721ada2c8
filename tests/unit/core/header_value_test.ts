import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHeaderValue, toHeaderValue } from "../../../lib/core/header_value.ts";

Deno.test("toHeaderValue() encodes as the specification's table does", () => {
  assert.equal(toHeaderValue("us-west1"), "us-west1");
  assert.equal(toHeaderValue("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
  assert.equal(toHeaderValue(" padded "), "=?base64?IHBhZGRlZCA=?=");
  assert.equal(toHeaderValue("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
  assert.equal(toHeaderValue("=?base64?literal?="), "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
});

Deno.test("fromHeaderValue() is the inverse, whatever the text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assert.equal(fromHeaderValue(toHeaderValue(text)), text);
  }));
});

Deno.test("fromHeaderValue() knows what stands for nothing", () => {
  assert.equal(fromHeaderValue("=?base64?%%%?="), undefined);
  assert.equal(fromHeaderValue("=?base64?/w==?="), undefined);
  assert.equal(fromHeaderValue("=?base64?w6k?="), undefined);
  assert.equal(fromHeaderValue("=?base64?w6 k=?="), undefined);
  assert.equal(fromHeaderValue("=?base64"), "=?base64");
});
