/**
 * Every run of the conformance suite that docs/protocol.md tells of.
 *
 * @module
 */
import assert from "node:assert/strict";
import { suiteAbsence } from "./conformance_runner.ts";
import { CONFORMANCE_RUNS, type ConformanceRow, runEraConformanceOf } from "./era_conformance.ts";
import { conformanceTable, PAGE, tableOn } from "./era_table.ts";

const absence = await suiteAbsence();
if (absence !== undefined) {
  console.error(`conformance: SKIPPED, the suite cannot be had: ${absence}`);
}

Deno.test({
  name: "docs/protocol.md tells how the conformance suite runs",
  ignore: absence !== undefined,
  async fn(t) {
    const rows: ConformanceRow[] = [];
    for (const run of CONFORMANCE_RUNS) {
      const { way, eras, requirements } = run;
      await t.step(`${way}, ${eras}: ${requirements}`, async () => {
        rows.push(await runEraConformanceOf(run));
      });
    }
    const table = conformanceTable(rows);
    assert.doesNotMatch(table, /unexplained/);
    const told = tableOn(Deno.readTextFileSync(PAGE), "conformance");
    assert.equal(told, table, "docs/protocol.md is old: run `deno task docs:eras`");
  },
});
