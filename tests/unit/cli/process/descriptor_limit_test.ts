import assert from "node:assert/strict";
import { connectionsMaxOf, descriptorsMax } from "../../../../cli/process/descriptor_limit.ts";

Deno.test("connectionsMaxOf() leaves more than half of the descriptors to others", () => {
  assert.equal(connectionsMaxOf(1024), 460);
  assert.equal(connectionsMaxOf(1), 1);
});

Deno.test({
  name: "descriptorsMax() is what the shell says",
  ignore: Deno.build.os === "windows",
  async fn() {
    const shell = new Deno.Command("sh", { args: ["-c", "ulimit -n"] });
    const said = new TextDecoder().decode((await shell.output()).stdout).trim();
    assert.equal(await descriptorsMax(), said === "unlimited" ? 1_048_576 : Number(said));
  },
});
