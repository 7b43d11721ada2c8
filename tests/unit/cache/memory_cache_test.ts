import assert from "node:assert/strict";
import { request, result } from "../../../lib/core/compose.ts";
import { KeptAnswer } from "../../../lib/cache/kept_answer.ts";
import { MemoryCache } from "../../../lib/cache/memory_cache.ts";
import { RequestKeys } from "../../../lib/cache/request_key.ts";

const ONE = new TextEncoder().encode("1");

function answer(bytes = 10): KeptAnswer {
  const message = request(1, "tools/list", {});
  return new KeptAnswer(result(ONE, "t".repeat(bytes)), {
    request: new RequestKeys("test").of(message, "tools")!,
    ...{ receivedMs: 0, lifeMs: 1000, warrant: "assumed", since: 0, ttl: undefined },
  });
}

Deno.test("MemoryCache gives up what was used longest ago when there are too many", () => {
  const cache = new MemoryCache({ bytesMax: 1 << 20, entriesMax: 3 });
  for (const key of ["a", "b", "c"]) cache.set(key, "", answer());
  cache.get("a", "");
  cache.set("d", "", answer());
  assert.deepEqual(["a", "b", "c", "d"].map((key) => cache.has(key)), [true, false, true, true]);
  assert.equal(cache.entries, 3);
});

Deno.test("MemoryCache stays within its bytes, and keeps nothing that is larger", () => {
  const sizes: number[] = [];
  const bytesMax = 20_000;
  const cache = new MemoryCache({
    bytesMax,
    entriesMax: 1000,
    onSize: (bytes) => sizes.push(bytes),
  });
  for (let n = 0; n < 100; n++) cache.set(`key ${n}`, "", answer(1000));
  assert.ok(sizes.every((bytes) => bytes <= bytesMax));
  assert.ok(cache.entries > 5);
  cache.set("key 99", "", answer(bytesMax));
  assert.equal(cache.has("key 99"), false);
});

Deno.test("MemoryCache keeps the answers of one request for several scopes apart", () => {
  const cache = new MemoryCache({ bytesMax: 1 << 20, entriesMax: 10 });
  const [one, two] = [answer(), answer()];
  cache.set("a", "one", one);
  cache.set("a", "two", two);
  assert.equal(cache.get("a", "one"), one);
  assert.equal(cache.get("a", "two"), two);
  assert.equal(cache.get("a", "three"), undefined);
  cache.delete("a", "one");
  assert.equal(cache.has("a"), true);
  cache.delete("a", "two");
  assert.equal(cache.has("a"), false);
  assert.equal(cache.bytes, 0);
});
