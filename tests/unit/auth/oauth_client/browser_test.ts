import assert from "node:assert/strict";
import { openBrowser } from "../../../../lib/auth/oauth_client/browser.ts";
import { until } from "../../../fixtures/gateway_process.ts";

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "openBrowser() hands an address over as one argument that no shell has seen",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const program = `${folder}/browser.sh`, log = `${folder}/log`, trap = `${folder}/trap`;
    const script = `#!/bin/sh\nprintf '%s %s\\n' "$#" "$1" >> "${log}"\n`;
    await Deno.writeTextFile(program, script, { mode: 0o700 });
    const addresses = [
      `https://login.test/$(touch ${trap})`,
      `https://login.test/;touch\${IFS}${trap}`,
      `https://login.test/\`touch ${trap}\``,
      `https://login.test/?a=1&touch=${trap}|touch ${trap}`,
      `https://login.test/'"; touch ${trap}; "'`,
      "https://login.test/ --help",
    ];
    for (const address of addresses) openBrowser(program, new URL(address));
    const lines = async () => {
      const text = await Deno.readTextFile(log).catch(() => "");
      return text.split("\n").filter((line) => line !== "");
    };
    await until(async () => (await lines()).length === addresses.length, "every browser");
    const expected = addresses.map((address) => `1 ${new URL(address).href}`);
    assert.deepEqual((await lines()).toSorted(), expected.toSorted());
    await assert.rejects(Deno.stat(trap), Deno.errors.NotFound);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("openBrowser() starts nothing for `none`, and does not mind a program that is not there", () => {
  openBrowser("none", new URL("https://login.test/"));
  openBrowser("/nowhere/browser", new URL("https://login.test/"));
});
