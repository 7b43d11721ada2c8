/**
 * The server scenarios of the official conformance suite through `sluice serve`, before the reference server
 * in all eras and in single ones; and what is known of those that fail.
 *
 * @module
 */
import { referenceServer, startReferenceServer } from "../fixtures/reference/process.ts";
import { startServe } from "../fixtures/sluice.ts";
import { type Requirements, runConformance, type ScenarioResult } from "./conformance_runner.ts";

/** One run of the suite. */
export interface ConformanceRun {
  /** What the suite is pointed at: the reference server, or Sluice before it. */
  readonly way: "without Sluice" | "HTTP > stdio" | "HTTP > HTTP";
  /** What the reference server speaks. */
  readonly eras: "both" | "legacy" | "modern" | "2024-11-05" | "2025-06-18";
  readonly requirements: Requirements;
}

/** How it went; scenarios by name. */
export interface ConformanceRow {
  readonly run: ConformanceRun;
  readonly results: readonly ScenarioResult[];
}

/** All runs. */
export const CONFORMANCE_RUNS: readonly ConformanceRun[] = [
  { way: "without Sluice", eras: "both", requirements: "2025-11-25" },
  { way: "HTTP > stdio", eras: "both", requirements: "2025-11-25" },
  { way: "HTTP > HTTP", eras: "both", requirements: "2025-11-25" },
  { way: "HTTP > stdio", eras: "2024-11-05", requirements: "2025-11-25" },
  { way: "HTTP > HTTP", eras: "2025-06-18", requirements: "2025-11-25" },
  { way: "HTTP > stdio", eras: "modern", requirements: "2025-11-25" },
  { way: "HTTP > HTTP", eras: "modern", requirements: "2025-11-25" },
  { way: "without Sluice", eras: "both", requirements: "2026-07-28" },
  { way: "HTTP > stdio", eras: "both", requirements: "2026-07-28" },
  { way: "HTTP > HTTP", eras: "both", requirements: "2026-07-28" },
  { way: "HTTP > stdio", eras: "legacy", requirements: "2026-07-28" },
  { way: "HTTP > HTTP", eras: "legacy", requirements: "2026-07-28" },
];

/** Why required scenarios fail; a scenario that is not here must not fail. */
export const EXPLANATIONS: Readonly<Record<string, string>> = {
  "input-required-result-basic-elicitation":
    "The suite wants its question under the key `user_name`. A server with a handshake asks by a request, " +
    "which has no key, and keys are the server's to assign (basic/patterns/mrtr, InputRequests): " +
    "Sluice gives its own",
  "server-stateless":
    "One check of it: without the capability `sampling`, a tool that needs it must fail with -32021. A server " +
    "with a handshake has no such error and answers with an error of the tool, or does without",
};

/** Tools and methods of the extension `io.modelcontextprotocol/tasks` (SEP-2663). */
const TASKS_LACK = "the reference server does not implement the extension for tasks";

/** What scenarios lack that the suite does not count. */
export function unscoredLack(scenario: string): string {
  if (scenario.startsWith("tasks-")) return TASKS_LACK;
  return "unexplained";
}

/** Runs one. @throws {Error} with what the suite said when it came to no summary */
export async function runEraConformanceOf(run: ConformanceRun): Promise<ConformanceRow> {
  await using endpoint = await open(run);
  const results = await runConformance({ url: endpoint.url, requirements: run.requirements });
  return { run, results: results.toSorted((a, b) => a.scenario < b.scenario ? -1 : 1) };
}

/** Runs all, one after the other. */
export async function runEraConformance(): Promise<ConformanceRow[]> {
  const rows: ConformanceRow[] = [];
  for (const run of CONFORMANCE_RUNS) rows.push(await runEraConformanceOf(run));
  return rows;
}

async function open(
  { way, eras }: ConformanceRun,
): Promise<AsyncDisposable & { readonly url: URL }> {
  const era = eras === "both" ? undefined : eras;
  if (way === "HTTP > stdio") return await startServe(referenceServer(era));
  const server = await startReferenceServer(era);
  if (way === "without Sluice") return server;
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
