import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { referenceServer, startReferenceServer } from "../fixtures/reference/process.ts";
import { startServe } from "../fixtures/sluice.ts";
import {
  type Requirements,
  runClientConformance,
  runConformance,
  type ScenarioResult,
  suiteAbsence,
} from "./conformance_runner.ts";

/** One run of the suite. */
interface Case {
  readonly requirements: Requirements;
  /** Required scenarios that fail; the test fails too when one of them passes. */
  readonly failing?: readonly string[];
}

/** `direct` is without Sluice; else what is behind `sluice serve`, and which eras that speaks. */
interface ServerCase extends Case {
  readonly way: "direct" | "stdio" | "http";
  readonly era?: string;
}

/** Scenarios that a set requires, the client's `auth/*` apart: those are before any proxy. */
const REQUIRED_COUNT = {
  "2025-11-25": { server: 30, client: 4 },
  "2026-07-28": { server: 37, client: 7 },
} as const satisfies Record<Requirements, unknown>;

/**
 * What a server with a handshake cannot do for sessionless clients. It names no keys for its questions, and
 * the suite wants its own (keys are the server's to choose: basic/patterns/mrtr, server requirements 2). And
 * it answers for want of a capability with an error of its tool: it knows no other.
 */
const OF_HANDSHAKES = ["input-required-result-basic-elicitation", "server-stateless"];

const SERVER_CASES: readonly ServerCase[] = [
  { way: "direct", requirements: "2025-11-25" },
  { way: "direct", requirements: "2026-07-28" },
  { way: "stdio", requirements: "2025-11-25" },
  { way: "http", requirements: "2025-11-25" },
  { way: "stdio", requirements: "2026-07-28" },
  { way: "http", requirements: "2026-07-28" },
  { way: "stdio", era: "2024-11-05", requirements: "2025-11-25" },
  { way: "http", era: "2025-06-18", requirements: "2025-11-25" },
  { way: "stdio", era: "modern", requirements: "2025-11-25" },
  { way: "http", era: "modern", requirements: "2025-11-25" },
  { way: "stdio", era: "legacy", requirements: "2026-07-28", failing: OF_HANDSHAKES },
  { way: "http", era: "legacy", requirements: "2026-07-28", failing: OF_HANDSHAKES },
];

const CLIENT_CASES: readonly (Case & { readonly way: "direct" | "proxy" })[] = [
  { way: "direct", requirements: "2025-11-25" },
  { way: "direct", requirements: "2026-07-28" },
  { way: "proxy", requirements: "2025-11-25" },
  { way: "proxy", requirements: "2026-07-28" },
];

const absence = await suiteAbsence();
if (absence !== undefined) {
  console.error(`conformance: SKIPPED, the suite cannot be had: ${absence}`);
}

for (const run of SERVER_CASES) {
  const { way, era, requirements } = run;
  const name = way === "direct" ? "the reference server" : `serve before ${way}`;
  const count = REQUIRED_COUNT[requirements].server;
  register(era === undefined ? name : `${name} of the era ${era}`, count, run, async () => {
    await using endpoint = await open(run);
    return await runConformance({ url: endpoint.url, requirements });
  });
}

for (const run of CLIENT_CASES) {
  const { way, requirements } = run;
  const script = fileURLToPath(new URL("../fixtures/conformance_client.ts", import.meta.url));
  const flags = way === "direct" ? " --direct" : "";
  const command = `${Deno.execPath()} run -A --quiet ${script}${flags}`;
  const name = way === "direct" ? "the reference client" : "a client behind proxy";
  register(
    name,
    REQUIRED_COUNT[requirements].client,
    run,
    () => runClientConformance({ command, requirements }),
  );
}

function register(
  who: string,
  count: number,
  { requirements, failing = [] }: Case,
  results: () => Promise<ScenarioResult[]>,
): void {
  Deno.test({
    name: `${who} passes what ${requirements} requires`,
    ignore: absence !== undefined,
    async fn() {
      const required = (await results()).filter(({ isRequired, scenario }) =>
        isRequired && !scenario.startsWith("auth/")
      );
      assert.equal(required.length, count);
      const failed = required.filter(({ status }) => status === "failed");
      const report = failed.map((it) => `${it.scenario}\n  ${it.failures.join("\n  ")}`);
      const names = failed.map(({ scenario }) => scenario).sort();
      assert.deepEqual(names, [...failing].sort(), `\n${report.join("\n")}`);
    },
  });
}

async function open({ way, era }: ServerCase): Promise<AsyncDisposable & { readonly url: URL }> {
  if (way === "stdio") return await startServe(referenceServer(era));
  const server = await startReferenceServer(era);
  if (way === "direct") return server;
  try {
    const serve = await startServe(server.url);
    return {
      url: serve.url,
      async [Symbol.asyncDispose]() {
        await serve[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
