import assert from "node:assert/strict";
import { shortLived } from "../../../lib/core/short_lived.ts";

Deno.test("shortLived() is an empty array of its own each time", () => {
  const one = shortLived<{ n: number }>(), other = shortLived<{ n: number }>();
  one.push({ n: 1 });
  assert.deepEqual(one, [{ n: 1 }]);
  assert.deepEqual(other, []);
  assert.deepEqual(shortLived(), []);
});
