import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { NPM_FOLDER } from "../fixtures/servers.ts";

const PAGE = Deno.readTextFileSync(
  fileURLToPath(new URL("../../docs/migration.md", import.meta.url)),
);
if (NPM_FOLDER === undefined) console.log("skipped: SLUICE_TEST_NPM names no folder");

/** The part of the page below a heading that begins so. */
function chapter(name: string): string {
  const at = PAGE.indexOf(`\n## ${name} (`);
  assert.ok(at >= 0, `there is no chapter about ${name}`);
  return PAGE.slice(at, PAGE.indexOf("\n## ", at + 1));
}

/** The flags that a program says it has. */
async function flagsOf(program: string): Promise<string[]> {
  const { stdout, stderr } = await new Deno.Command("node", {
    args: [`${NPM_FOLDER}/.bin/${program}`, "--help"],
    env: { COLUMNS: "200" },
  }).output();
  const help = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return [...help.matchAll(/^ {2}(--[A-Za-z0-9]+)/gm)].map(([, flag]) => flag);
}

for (const program of ["supergateway", "mcp-proxy"]) {
  Deno.test({
    name: `docs/migration.md tells what becomes of every flag of ${program}`,
    ignore: NPM_FOLDER === undefined,
    async fn() {
      const flags = await flagsOf(program);
      assert.ok(flags.length > 10, flags.join(" "));
      const told = chapter(program);
      for (const flag of flags) assert.ok(told.includes(`\`${flag}\``), flag);
      const manifest = Deno.readTextFileSync(`${NPM_FOLDER}/${program}/package.json`);
      const { version } = JSON.parse(manifest);
      assert.ok(told.startsWith(`\n## ${program} (${version})`), `it is of version ${version} now`);
    },
  });
}
