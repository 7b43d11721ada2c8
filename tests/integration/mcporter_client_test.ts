import assert from "node:assert/strict";
import { callWithMcporter, listWithMcporter } from "../contract/mcporter_journey.ts";
import { referenceServer } from "../fixtures/reference/process.ts";
import { MCPORTER } from "../fixtures/real_clients_peers.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { WAYS } from "../fixtures/ways.ts";

for (const way of WAYS) {
  Deno.test({
    name: `mcporter lists and calls tools: ${way.name}`,
    ignore: MCPORTER === undefined,
    fn: async () => {
      await using everything = await way.open(everythingServer());
      assert.ok((await listWithMcporter(everything.door)).includes("get-sum"));
      const echoed = await callWithMcporter(everything.door, "echo", { message: "hi" });
      assert.match(echoed, /Echo: hi/);

      await using modern = await way.open(referenceServer("modern"));
      assert.ok((await listWithMcporter(modern.door)).includes("test_simple_text"));
      const said = await callWithMcporter(modern.door, "test_simple_text", {});
      assert.match(said, /This is a simple text response/);
    },
  });
}
