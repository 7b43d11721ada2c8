/**
 * The result of `sluice bench` as text.
 *
 * @module
 */
import Table from "cli-table3";
import { shown } from "../../lib/bench/chart_parts.ts";
import type { Comparison } from "../../lib/bench/compare.ts";
import { type Figures, LAG_MS_MAX, type TimePoint } from "../../lib/bench/figures.ts";
import type { Percentiles } from "../../lib/bench/latencies.ts";
import { ADDED, type BenchResult, CONNECTIONS_FOR_MEMORY, RATIOS } from "../../lib/bench/result.ts";
import { oneLine } from "../errors.ts";

/** Everything that was found. */
export function resultText(result: BenchResult): string {
  const { setup, runs, directRuns } = result;
  const loop = setup.ratePerSecond === undefined
    ? `${setup.inflight} in flight each`
    : `open loop at ${shown(setup.ratePerSecond)} calls/s`;
  const head =
    `${setup.scenario} ${oneLine(setup.target)}: ${setup.connections} connections, ${loop}, ` +
    `${setup.era} era, ${shown(setup.durationMs / 1000)} s\n`;
  const all = [
    ...runs.map((run, index) =>
      [nameOf(directRuns && "through", index, runs.length), run] as const
    ),
    ...(directRuns ?? []).map((run, index) => [nameOf("direct", index, runs.length), run] as const),
  ];
  return [
    head,
    latencyTable(all),
    usageTable(all),
    ratioTable(result),
    ...all.flatMap(([name, run]) => noteLines(name, run, setup.durationMs / 1000)),
  ].join("");
}

/** One line for each metric, and which of them are worse. */
export function comparisonText(file: string, comparisons: readonly Comparison[]): string {
  const table = newTable([
    `COMPARED WITH ${oneLine(file)}`,
    "BEFORE",
    "NOW",
    "WORSE BY",
    "NOISE",
    "",
  ]);
  for (const { label, unit, before, after, worseBy, noise, verdict } of comparisons) {
    const value = (number: number) => `${shown(number)}${unit === "" ? "" : ` ${unit}`}`;
    table.push([
      label,
      value(before.median),
      value(after.median),
      percent(worseBy),
      percent(noise),
      verdict,
    ]);
  }
  return `${table}\n`;
}

/** Where a run stands, in one line without its end. */
export function progressText(
  label: string,
  point: TimePoint,
  durationS: number,
  bar: boolean,
): string {
  const share = Math.max(0, Math.min(1, point.at / durationS));
  const done = Math.round(share * BAR);
  const drawn = bar ? `[${"#".repeat(done)}${"-".repeat(BAR - done)}] ` : "";
  const where = point.at < 0 ? "warm-up" : `${point.at} s`;
  return `${label}${drawn}${where}: ${shown(point.ratePerSecond)}/s, p50 ${shown(point.p50)} ms, ` +
    `p99 ${shown(point.p99)} ms, errors ${point.errors}`;
}

const BAR = 20;
/** A measurement shorter than this share of its time was stopped; `overload` needs a third to find the capacity. */
const CUT_SHARE = 0.6;

type Named = readonly (readonly [string, Figures])[];

function latencyTable(all: Named): string {
  const table = newTable(["", "COUNT", "PER S", "p50", "p90", "p95", "p99", "p99.9", "max ms"]);
  const row = (name: string, perSecond: number | undefined, figures: Percentiles) => {
    if (figures.count === 0) return;
    const { count, p50, p90, p95, p99, p999, max } = figures;
    const rate = perSecond === undefined ? "" : shown(perSecond);
    table.push([name, shown(count), rate, ...[p50, p90, p95, p99, p999, max].map(shown)]);
  };
  for (const [name, run] of all) {
    row(`calls${name}`, run.ratePerSecond, run.latencyMs);
    row(`connects${name}`, run.connectsPerSecond, run.connectMs);
    row(`reconnects${name}`, undefined, run.reconnectMs);
  }
  return `${table}\n`;
}

function usageTable(all: Named): string {
  const table = newTable([
    ...["", "CPU", "us/CALL", "RSS MiB", "KiB/CONN", "FDS", "MiB/min", "GENERATOR CPU"],
    ...["SENT MB", "RECEIVED MB"],
  ]);
  for (const [name, run] of all) {
    const { server, generator, bytesSent, bytesReceived } = run;
    const used = "absent" in server ? ["-", "-", "-", "-", "-", "-"] : [
      percent(server.cpuShare),
      shown(server.cpuPerCallUs),
      shown(server.rssMaxKiB / 1024),
      run.connections < CONNECTIONS_FOR_MEMORY ? "-" : shown(server.rssPerConnectionKiB),
      shown(server.fdsMax),
      shown(server.rssSlopeKiBPerMinute / 1024),
    ];
    const bytes = [bytesSent, bytesReceived].map((count) => shown(count / 1e6));
    table.push([`server${name}`, ...used, percent(generator.cpuShareMax), ...bytes]);
  }
  return `${table}\n`;
}

function ratioTable({ summary, directRuns }: BenchResult): string {
  if (directRuns === undefined) return "";
  const table = newTable(["THROUGH AGAINST DIRECT", "MEDIAN", "LEAST", "MOST"]);
  for (const { name, label, unit } of [...RATIOS, ...ADDED]) {
    const found = summary[name];
    if (found === undefined) continue;
    const { median, min, max } = found;
    table.push([`${label}${unit === "" ? "" : ` ${unit}`}`, ...[median, min, max].map(shown)]);
  }
  return `${table}\n`;
}

function noteLines(name: string, run: Figures, plannedS: number): string[] {
  const { errors, integrity, server, generator, capacityPerSecond, slowAnswered } = run;
  const kinds = Object.entries(errors).map(([kind, count]) => `${oneLine(kind)} ${count}`);
  const { crossed, lost, repeated, late, checkedBy } = integrity;
  const isCut = run.seconds < CUT_SHARE * plannedS;
  const lines = [
    ...isCut ? [`measured for ${shown(run.seconds)} s only`] : [],
    `errors: ${kinds.length === 0 ? "none" : kinds.join(", ")}`,
    `integrity: ${crossed} crossed, ${lost} lost, ${repeated} repeated, ${late} late ` +
    `(answers told apart by ${checkedBy})`,
    ..."absent" in server ? [`server: not measured, ${server.absent}`] : [],
    ...capacityPerSecond === undefined ? [] : [`capacity: ${shown(capacityPerSecond)} calls/s`],
    ...slowAnswered === 0
      ? []
      : [`slow readers: ${shown(slowAnswered)} answers, not counted above`],
    ...generator.isBottleneck ? [bottleneck(generator)] : [],
  ];
  return lines.map((line) => `${name === "" ? "" : `${name.trim()}: `}${line}\n`);
}

function bottleneck({ cpuShareMax, lagP99Ms, workers }: Figures["generator"]): string {
  const why = lagP99Ms > LAG_MS_MAX
    ? `it sent ${shown(lagP99Ms)} ms late (p99; ${LAG_MS_MAX} are fine)`
    : `it used ${percent(cpuShareMax)} of a core`;
  return `WARNING: the generator itself may be what was measured: ${why}; ` +
    `give --workers ${2 * workers}`;
}

function nameOf(kind: string | undefined, index: number, count: number): string {
  const number = count > 1 ? ` ${index + 1}` : "";
  return kind === undefined ? number : ` ${kind}${number}`;
}

function newTable(head: string[]) {
  return new Table({
    head,
    colAligns: ["left", ...new Array(head.length - 1).fill("right")],
    style: { head: [], border: [], compact: true },
  });
}

function percent(share: number): string {
  return `${shown(100 * share)} %`;
}
