/**
 * Clients of each protocol version, on each transport, before servers of each protocol version; and whether
 * docs/protocol.md tells of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ERA_VERSIONS } from "../fixtures/era_client.ts";
import { FEATURES, isDefined } from "./era_features.ts";
import { type EraCell, runEraMatrix, TRANSPORTS, UNDEFINED } from "./era_matrix.ts";
import { matrixTable, PAGE, tableOn } from "./era_table.ts";

const CELLS = ERA_VERSIONS.length ** 2 * TRANSPORTS.length;

Deno.test(`all ${CELLS} pairs of client and server work together, whatever they speak`, async () => {
  const cells = await runEraMatrix();
  assert.equal(cells.length, CELLS);
  const differences = cells.flatMap(differencesOf);
  assert.equal(differences.length, 0, `\n${differences.join("\n")}\n`);
  const told = tableOn(Deno.readTextFileSync(PAGE), "era matrix");
  assert.equal(told, matrixTable(cells), "docs/protocol.md is old: run `deno task docs:eras`");
});

function differencesOf({ client, upstream, transport, outcomes, faults }: EraCell): string[] {
  const unexpected = FEATURES.filter((feature) =>
    outcomes[feature] !== (isDefined(feature, client, upstream) ? "ok" : UNDEFINED)
  );
  const reasons = [...unexpected.map((feature) => `${feature}: ${outcomes[feature]}`), ...faults];
  return reasons.map((reason) => `${client} on ${transport} before ${upstream}: ${reason}`);
}
