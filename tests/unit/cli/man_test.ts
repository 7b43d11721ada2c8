import assert from "node:assert/strict";
import { run } from "../../../cli/commands.ts";
import { hasProgram } from "../../fixtures/programs.ts";
import { packaged, packagedPath } from "../../fixtures/packaged.ts";

async function page(): Promise<string> {
  let text = "";
  await run(["man"], { stdout: (part) => text += part, stderr: (part) => assert.fail(part) });
  return text;
}

Deno.test("the packaged manual page is that of the command line", async () => {
  assert.equal(packaged("man/sluice.1"), await page(), "run deno task docs");
});

Deno.test("the manual page tells every command and flag that the help text tells", async () => {
  const man = await page();
  let help = "";
  await run(["serve", "--help"], { stdout: (part) => help += part, stderr: () => {} });
  for (const [, flag] of help.matchAll(/^ +(--[a-z-]+)/gm)) {
    assert.ok(man.includes(`\\fB${flag.replaceAll("-", "\\-")}\\fR`), flag);
  }
  assert.ok(!man.includes("as\\-worker"), "hidden ones stay hidden");
});

const missing = !hasProgram("groff");
if (missing) console.log("skipped: groff is not installed");

Deno.test({
  name: "groff sets the manual page without a warning",
  ignore: missing,
  async fn() {
    const { code, stdout, stderr } = await new Deno.Command("groff", {
      args: ["-man", "-Tutf8", "-ww", "-z", packagedPath("man/sluice.1")],
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(new TextDecoder().decode(stdout), "");
    assert.equal(code, 0);
  },
});
