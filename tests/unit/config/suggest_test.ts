import assert from "node:assert/strict";
import fc from "fast-check";
import { editDistance, nearest } from "../../../lib/config/suggest.ts";

Deno.test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  assert.equal(editDistance("mesageBytes", "messageBytes"), 1);
  assert.equal(editDistance("lisetn", "listen"), 1);
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("LISTEN", "listen"), 0);
});

Deno.test("editDistance() is a distance", () => {
  const word = fc.string({ maxLength: 20 });
  fc.assert(fc.property(word, word, (a, b) => {
    assert.equal(editDistance(a, b), editDistance(b, a));
    assert.equal(editDistance(a, a), 0);
    assert.ok(editDistance(a, b) <= Math.max(a.toLowerCase().length, b.toLowerCase().length));
  }));
});

Deno.test("nearest() gives the closest word, or none when nothing is close", () => {
  assert.equal(nearest("upstream", ["listen", "upstreams", "limits"]), "upstreams");
  assert.equal(nearest("zzzzzz", ["listen", "upstreams", "limits"]), undefined);
  assert.equal(nearest("x", []), undefined);
});
