import assert from "node:assert/strict";
import fc from "fast-check";
import { nameAt, stringAt } from "../../../lib/core/json_string.ts";

const encoder = new TextEncoder();

Deno.test("nameAt() tells an escape from a name that is spelled like it", () => {
  for (const spelled of ['"\\\\n"', '"\\n"', '"n"', '"\\\\n"', '"é"', '"\\u00e9"', "17", '""']) {
    const bytes = encoder.encode(spelled);
    const expected = spelled.startsWith('"') ? JSON.parse(spelled) : undefined;
    assert.equal(nameAt(bytes, 0, bytes.length), expected);
    assert.equal(nameAt(bytes, 0, bytes.length), expected, "the second time, too");
  }
});

Deno.test("nameAt() is stringAt(), whatever was asked before", () => {
  fc.assert(fc.property(
    fc.array(fc.oneof(fc.string(), fc.constantFrom("echo", "a\\b", "x".repeat(70)))),
    (names) => {
      for (const name of [...names, ...names]) {
        const bytes = encoder.encode(` ${JSON.stringify(name)} `);
        assert.equal(nameAt(bytes, 1, bytes.length - 1), stringAt(bytes, 1, bytes.length - 1));
      }
    },
  ));
});
