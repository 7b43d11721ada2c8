import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Requirements, runClientConformance, suiteAbsence } from "./conformance_runner.ts";

/** Scenarios for clients that a set requires, `auth/*` apart: those are before any proxy. */
const REQUIRED_COUNT: Readonly<Record<Requirements, number>> = {
  "2025-11-25": 4,
  "2026-07-28": 7,
};
const CLIENT = fileURLToPath(new URL("../fixtures/conformance_client.ts", import.meta.url));

const absence = await suiteAbsence();
if (absence !== undefined) {
  console.error(`conformance: SKIPPED, the suite cannot be had: ${absence}`);
}

for (const requirements of Object.keys(REQUIRED_COUNT) as Requirements[]) {
  for (
    const [who, flags] of [["the reference client", " --direct"], ["a client behind proxy", ""]]
  ) {
    Deno.test({
      name: `${who} passes what ${requirements} requires of clients`,
      ignore: absence !== undefined,
      async fn() {
        const command = `${Deno.execPath()} run -A --quiet ${CLIENT}${flags}`;
        const results = await runClientConformance({ command, requirements });
        const required = results.filter(({ isRequired, scenario }) =>
          isRequired && !scenario.startsWith("auth/")
        );
        assert.equal(required.length, REQUIRED_COUNT[requirements]);
        assert.deepEqual(required.filter(({ status }) => status === "failed"), []);
      },
    });
  }
}
