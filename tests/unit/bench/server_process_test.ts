import assert from "node:assert/strict";
import { listenerPids, useOf, withDescendants } from "../../../lib/bench/server_process.ts";
import { slopeOf } from "../../../lib/bench/server_watch.ts";

const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "listenerPids() finds who listens on a port and on a unix socket",
  ignore: !isLinux,
  async fn() {
    using tcp = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    assert.deepEqual(listenerPids({ port: (tcp.addr as Deno.NetAddr).port }), [Deno.pid]);
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/s`;
      using _unix = Deno.listen({ transport: "unix", path });
      assert.deepEqual(listenerPids({ path }), [Deno.pid]);
      assert.deepEqual(listenerPids({ path: `${path}.none` }), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "withDescendants() finds children; useOf() knows nothing of processes that are gone",
  ignore: !isLinux,
  async fn() {
    const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
    assert.ok(withDescendants([Deno.pid]).includes(child.pid));
    assert.ok(useOf([child.pid])!.rssKiB > 0);
    await child.stdin.close();
    await child.status;
    assert.equal(useOf([child.pid]), undefined);
  },
});

Deno.test("slopeOf() is that of the straight line nearest to all points", () => {
  assert.equal(slopeOf([[0, 1], [1, 3], [2, 5]]), 2);
  assert.equal(slopeOf([[0, 1], [1, 3]]), 0, "two points are no trend");
});
