import assert from "node:assert/strict";
import { bounded } from "../../fixtures/child_wait.ts";
import { Revocations } from "../../../lib/auth/revocations.ts";

function bytes(text: string): Promise<Uint8Array> {
  return Promise.resolve(new TextEncoder().encode(text));
}

Deno.test("ready() reads a JSON array, or one id a line", async () => {
  for (const text of ['["a","b c"]', ' [\n"a", "b c"]', "a\r\n\n b c \n"]) {
    using list = new Revocations({ read: () => bytes(text), refreshMs: 60_000 });
    await list.ready();
    assert.deepEqual(["a", "b c", "d", ""].map((id) => list.has(id)), [true, true, false, false]);
  }
});

Deno.test("ready() says that nothing can be judged where the list was never read", async () => {
  for (
    const read of [() => Promise.reject(new Error("gone")), () => bytes("[1]"), () => bytes("[")]
  ) {
    const reasons: string[] = [];
    using list = new Revocations({ read, refreshMs: 60_000, onFailed: (one) => reasons.push(one) });
    await assert.rejects(list.ready(), { status: 503 });
    assert.equal(reasons.length, 1);
  }
});

Deno.test("a list that cannot be read again is good as it was", async () => {
  let reads = 0;
  const failed = Promise.withResolvers<void>();
  using list = new Revocations({
    read: () => ++reads === 1 ? bytes("a") : Promise.reject(new Error("gone")),
    refreshMs: 1,
    onFailed: () => failed.resolve(),
  });
  await list.ready();
  await bounded(failed.promise, "the second reading");
  assert.ok(list.has("a"));
  await list.ready();
});
