import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readProject } from "./tidy/source.ts";
import { verdict } from "./tidy/verdict.ts";

Deno.test("the project is tidy", () => {
  const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");
  const { sources, texts } = readProject(root);
  assert.ok(sources.length > 0, "Cannot check the project: no source found");
  const offences = verdict(sources, texts);
  assert.equal(offences.length, 0, `\n${offences.join("\n")}\n`);
});
