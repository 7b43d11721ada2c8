import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseDocument } from "../../../lib/config/document.ts";
import { resolveConfig } from "../../../lib/config/load.ts";

const PAGES = ["deployment.md", "clients.md", "migration.md"];

/** The configurations of a page, each with the name of a file of its form. */
function configurations(page: string): { name: string; text: string }[] {
  const path = fileURLToPath(new URL(`../../../docs/${page}`, import.meta.url));
  const blocks = Deno.readTextFileSync(path).matchAll(/^```(jsonc?|toml)\n([^]*?)^```$/gm);
  return [...blocks].map(([, form, text], at) => ({ name: `${page}-${at + 1}.${form}`, text }));
}

for (const page of PAGES) {
  Deno.test(`every configuration of docs/${page} is one`, async () => {
    const found = configurations(page);
    assert.ok(found.length > 0, page);
    for (const { name, text } of found) {
      const { file } = await resolveConfig(await parseDocument(text, name), {}, {});
      assert.equal(file, name);
    }
  });
}
