import assert from "node:assert/strict";
import fc from "fast-check";
import { PREFIX_LENGTH_MAX, serverPrefixes } from "../../../lib/config/server_prefixes.ts";

Deno.test("serverPrefixes() keeps plain names, and gives both of two alike names a hash", () => {
  assert.deepEqual([...serverPrefixes(["memory", "my server", "a__b_"]).values()], [
    "memory",
    "my_server",
    "a_b",
  ]);
  const names = ["my server", "my/server", "other"];
  const [one, two, other] = serverPrefixes(names).values();
  assert.match(one, /^my_server-[0-9a-f]{6}$/);
  assert.match(two, /^my_server-[0-9a-f]{6}$/);
  assert.notEqual(one, two);
  assert.equal(other, "other");
  const reversed = serverPrefixes(names.toReversed());
  assert.deepEqual(names.map((name) => reversed.get(name)), [one, two, other]);
});

Deno.test("serverPrefixes() are different, legal, and can be read back before __", () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, maxLength: 128 }),
    fc.string({ unit: fc.constantFrom("a", "_", "é", "B"), minLength: 1, maxLength: 40 }),
  );
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 30 }), (names) => {
    const prefixes = [...serverPrefixes(names).values()];
    assert.equal(new Set(prefixes).size, names.length);
    for (const prefix of prefixes) {
      assert.match(prefix, /^[A-Za-z0-9_-]+$/);
      assert.ok(prefix.length <= PREFIX_LENGTH_MAX && !/__|_$/.test(prefix), prefix);
    }
  }));
});
