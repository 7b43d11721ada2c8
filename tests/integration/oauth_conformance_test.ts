import assert from "node:assert/strict";
import { suiteAbsence } from "./conformance_runner.ts";
import { authTable, PAGE, runAuthConformance, tableOn } from "./oauth_conformance.ts";

const absence = await suiteAbsence();
if (absence !== undefined) {
  console.error(`conformance: SKIPPED, the suite cannot be had: ${absence}`);
}

Deno.test({
  name: "docs/oauth.md tells how the conformance suite runs",
  ignore: absence !== undefined,
  async fn() {
    const runs = await runAuthConformance();
    const failed = runs.flatMap(({ results }) =>
      results.filter(({ isRequired, status }) => isRequired && status === "failed")
    );
    assert.deepEqual(failed, []);
    const told = tableOn(Deno.readTextFileSync(PAGE));
    assert.equal(told, authTable(runs), "docs/oauth.md is old: run `deno task docs:oauth`");
  },
});
