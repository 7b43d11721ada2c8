/**
 * The tables of docs/protocol.md that come from runs: `deno task docs:eras` renews them.
 *
 * @module
 */
import { ERA_VERSIONS } from "../fixtures/era_client.ts";
import {
  type ConformanceRow,
  EXPLANATIONS,
  runEraConformance,
  unscoredLack,
} from "./era_conformance.ts";
import { FEATURES } from "./era_features.ts";
import { type EraCell, runEraMatrix, TRANSPORTS, UNDEFINED } from "./era_matrix.ts";

/** The page that holds the tables. */
export const PAGE = new URL("../../docs/protocol.md", import.meta.url);

/** What stands between the markers of a table, on a page. @throws {Error} without such markers */
export function tableOn(page: string, name: string): string {
  const { start, end } = placeOf(page, name);
  return page.slice(start, end);
}

/** The page with one table renewed; the rest is written by hand and stays. */
export function withTable(page: string, name: string, table: string): string {
  const { start, end } = placeOf(page, name);
  return `${page.slice(0, start)}${table}${page.slice(end)}`;
}

function placeOf(page: string, name: string): { start: number; end: number } {
  const begin = `<!-- ${name}: begin (deno task docs:eras) -->\n<!-- deno-fmt-ignore-start -->\n`;
  const start = page.indexOf(begin) + begin.length;
  const end = page.indexOf(`<!-- deno-fmt-ignore-end -->\n<!-- ${name}: end -->\n`);
  if (start >= begin.length && end >= start) return { start, end };
  throw new Error(`Cannot find table ${name}: the page has no markers for it`);
}

/** The matrix: a row for each pair of versions. */
export function matrixTable(cells: readonly EraCell[]): string {
  const outcomes = cells.flatMap((cell) => Object.values(cell.outcomes));
  const tried = outcomes.filter((outcome) => outcome !== UNDEFINED);
  const ok = tried.filter((outcome) => outcome === "ok").length;
  const rows = ERA_VERSIONS.flatMap((client) =>
    ERA_VERSIONS.map((upstream) => {
      const pair = cells.filter((cell) => cell.client === client && cell.upstream === upstream);
      return [client, upstream, ...FEATURES.map((feature) => together(pair, feature))];
    })
  );
  const summary =
    `${ok} of ${tried.length} tries of ${cells.length} clients went as they should, ` +
    `on ${TRANSPORTS.join(", ")}.`;
  return `\n${summary}\n\n${markdown(["client", "server", ...FEATURES], rows)}\n`;
}

/** One word where all transports agree, else each reason with where it holds. */
function together(cells: readonly EraCell[], feature: typeof FEATURES[number]): string {
  const byOutcome = Map.groupBy(cells, ({ outcomes }) => outcomes[feature]);
  if (byOutcome.size === 1) return [...byOutcome.keys()][0];
  return [...byOutcome].map(([outcome, those]) => {
    const names = TRANSPORTS.filter((name) => those.some(({ transport }) => transport === name));
    return `${names.join(", ")}: ${outcome}`;
  }).sort().join("; ");
}

/** The runs of the conformance suite: counts, what fails, and what the suite does not count. */
export function conformanceTable(rows: readonly ConformanceRow[]): string {
  const counts = rows.map(({ run, results }) => {
    const [required, others] = [true, false].map((is) =>
      results.filter(({ isRequired }) => isRequired === is)
    );
    return [run.way, run.eras, run.requirements, ...[required, others].map(passedOf)];
  });
  const failures = rows.flatMap(({ run, results }) =>
    results.filter(({ isRequired, status }) => isRequired && status === "failed").map((it) => ({
      scenario: it.scenario,
      where: `${run.way}, ${run.eras}`,
    }))
  );
  const failing = [...Map.groupBy(failures, ({ scenario }) => scenario)].map((
    [scenario, those],
  ) => [
    `\`${scenario}\``,
    [...new Set(those.map(({ where }) => where))].join("; "),
    EXPLANATIONS[scenario] ?? "unexplained",
  ]);
  const header = ["way", "eras of the server", "requirements", "required", "not counted"];
  return [
    `\n${markdown(header, counts)}\n`,
    `\nRequired, and failing:\n\n${markdown(["scenario", "where", "why"], failing)}\n`,
    `\nRun, but not counted by the suite, and failing somewhere:\n\n${unscoredTable(rows)}\n`,
  ].join("");
}

function unscoredTable(rows: readonly ConformanceRow[]): string {
  const failing = rows.flatMap(({ run, results }) =>
    results.filter(({ isRequired, status }) => !isRequired && status === "failed")
      .map(({ scenario }) => ({ scenario, run }))
  );
  const lines = [...Map.groupBy(failing, ({ scenario }) => scenario)].map(([scenario, those]) => {
    const { requirements } = those[0].run;
    const isEverywhere = those.length ===
      rows.filter(({ run }) => run.requirements === requirements).length;
    const where = those.map(({ run }) => `${run.way}, ${run.eras}`).join("; ");
    return {
      scenario,
      where: isEverywhere ? "everywhere, without Sluice too" : where,
      why: unscoredLack(scenario),
    };
  });
  const groups = Map.groupBy(lines, ({ where, why }) => `${where}\n${why}`);
  const table = [...groups.values()].map((those) => [
    those.map(({ scenario }) => `\`${scenario}\``).join(", "),
    those[0].where,
    those[0].why,
  ]);
  return markdown(["scenarios", "where", "what is missing"], table);
}

function passedOf(results: ConformanceRow["results"]): string {
  return `${results.filter(({ status }) => status === "passed").length} of ${results.length}`;
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

if (import.meta.main) {
  let page = Deno.readTextFileSync(PAGE);
  page = withTable(page, "era matrix", matrixTable(await runEraMatrix()));
  page = withTable(page, "conformance", conformanceTable(await runEraConformance()));
  Deno.writeTextFileSync(PAGE, page);
}
