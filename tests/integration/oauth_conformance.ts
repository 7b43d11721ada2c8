/**
 * The `auth/*` scenarios of the official conformance suite through `sluice proxy`, and the table of docs/oauth.md
 * that comes from them: `deno task docs:oauth` renews it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  type Requirements,
  runClientConformance,
  type ScenarioResult,
} from "./conformance_runner.ts";

/** The page that holds the table. */
export const PAGE = new URL("../../docs/oauth.md", import.meta.url);

const CLIENT = fileURLToPath(new URL("../fixtures/oauth_conformance_client.ts", import.meta.url));
const SETS: readonly Requirements[] = ["2025-11-25", "2026-07-28"];
/** The scenarios take turns, and all of them are started at once. */
const SCENARIO_MS = 150_000;
const BEGIN =
  "<!-- conformance: begin (deno task docs:oauth) -->\n<!-- deno-fmt-ignore-start -->\n";
const END = "<!-- deno-fmt-ignore-end -->\n<!-- conformance: end -->\n";

/** Why scenarios fail that do. */
const LACKS: Readonly<Record<string, string>> = {
  "auth/enterprise-managed-authorization":
    "extension: exchanging the tokens of a company's identity provider is not implemented",
  "auth/dpop": "extension: proof of possession (RFC 9449) is not implemented",
  "auth/dpop-nonce": "extension: proof of possession (RFC 9449) is not implemented",
  "auth/wif-jwt-bearer":
    "extension: tokens of a workload's platform (RFC 7523) are not implemented",
};

/** How one set went. */
export interface AuthRun {
  readonly requirements: Requirements;
  readonly results: readonly ScenarioResult[];
}

/** Runs both sets, one after the other. @throws {Error} with what the suite said when it came to no summary */
export async function runAuthConformance(): Promise<AuthRun[]> {
  const runs: AuthRun[] = [];
  const folder = await Deno.makeTempDir({ prefix: "oauth-turns-" });
  const command = `${Deno.execPath()} run -A --quiet ${CLIENT} ${folder}`;
  try {
    for (const requirements of SETS) {
      const all = await runClientConformance({ command, requirements, timeoutMs: SCENARIO_MS });
      const results = all.filter(({ scenario }) => scenario.startsWith("auth/"));
      runs.push({ requirements, results });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return runs;
}

/** The table, and the reasons of what fails. */
export function authTable(runs: readonly AuthRun[]): string {
  const names = [...new Set(runs.flatMap(({ results }) => results.map((one) => one.scenario)))];
  const rows = names.sort().map((name) => {
    const cells = runs.map(({ results }) => {
      const result = results.find(({ scenario }) => scenario === name);
      if (result === undefined) return "";
      return `${result.status}${result.isRequired ? "" : " (not counted)"}`;
    });
    const hasFailed = cells.some((cell) => cell.startsWith("failed"));
    return [`\`${name}\``, ...cells, hasFailed ? LACKS[name] ?? "unexplained" : ""];
  });
  const counts = runs.map(({ requirements, results }) => {
    const required = results.filter(({ isRequired }) => isRequired);
    const others = results.filter(({ isRequired }) => !isRequired);
    return `${requirements}: ${passed(required)} required, ${passed(others)} not counted`;
  });
  const header = ["scenario", ...runs.map(({ requirements }) => requirements), "why"];
  const lines = [header, header.map(() => "---"), ...rows];
  const table = lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  return `\n${counts.join("; ")}.\n\n${table}\n\n`;
}

/** What stands on a page. @throws {Error} without the markers */
export function tableOn(page: string): string {
  const [start, end] = placeOn(page);
  return page.slice(start, end);
}

function placeOn(page: string): [start: number, end: number] {
  const start = page.indexOf(BEGIN) + BEGIN.length, end = page.indexOf(END);
  if (start < BEGIN.length || end < start) throw new Error("Cannot find the table on the page");
  return [start, end];
}

function passed(results: readonly ScenarioResult[]): string {
  return `${results.filter(({ status }) => status === "passed").length} of ${results.length}`;
}

if (import.meta.main) {
  const page = Deno.readTextFileSync(PAGE);
  const [start, end] = placeOn(page);
  const table = authTable(await runAuthConformance());
  Deno.writeTextFileSync(PAGE, page.slice(0, start) + table + page.slice(end));
}
