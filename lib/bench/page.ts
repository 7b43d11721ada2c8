/**
 * The report as one HTML file, complete in itself: style and pictures are within, nothing is asked of
 * any other place.
 *
 * @module
 */
import { escaped, shown } from "./chart_parts.ts";
import {
  comparisonChart,
  latencyChart,
  latencyOverTimeChart,
  rateChart,
  type Series,
} from "./charts.ts";
import type { Comparison } from "./compare.ts";
import type { Figures } from "./figures.ts";
import { ADDED, type BenchResult, METRICS, RATIOS, type Summary } from "./result.ts";

/** A comparison with an earlier result. */
export interface ComparedWith {
  readonly file: string;
  readonly threshold: number;
  readonly comparisons: readonly Comparison[];
}

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #5c6670; --line: #d5dae0;
  --first: #1f6fd6; --second: #d97706; --good: #15803d; --bad: #c42424; --even: #8a94a0; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --text: #e6e9ed; --soft: #9aa4b0; --line: #333a43;
  --first: #6aa9ff; --second: #f5a742; --good: #4ade80; --bad: #ff7b72; --even: #7d8794; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 16px; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; margin: 0 0 4px; } h2 { font-size: 1.05rem; margin: 0 0 8px; }
p { margin: 4px 0; color: var(--soft); } .alarm { color: var(--bad); font-weight: 600; }
main { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
section { border: 1px solid var(--line); border-radius: 8px; padding: 12px; min-width: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 6px; text-align: right; border-bottom: 1px solid var(--line); font-weight: 400; }
td, thead th { white-space: nowrap; } th { overflow-wrap: normal; } th:first-child { text-align: left; color: var(--soft); } thead th { color: var(--soft); }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 12px; }
@media (max-width: 520px) { svg text { font-size: 15px; } }
.grid { stroke: var(--line); } .line { fill: none; stroke-width: 1.8; } .dashed { stroke-dasharray: 5 3; }
.line.first { stroke: var(--first); } .line.second { stroke: var(--second); }
.bar { fill-opacity: .65; } .bar.first { fill: var(--first); } .bar.second { fill: var(--second); }
.good { fill: var(--good); } .bad { fill: var(--bad); } .even { fill: var(--even); }
.noise { fill: var(--line); fill-opacity: .6; }
.key::before { content: ""; display: inline-block; width: 10px; height: 10px; margin: 0 5px 0 8px; border-radius: 2px; }
.key.first::before { background: var(--first); } .key.second::before { background: var(--second); }
`;

/** The whole page. */
export function page(result: BenchResult, compared?: ComparedWith): string {
  const series = seriesOf(result);
  const keys = series.length < 2
    ? ""
    : `<p>${
      series.map(({ label, style }) => `<span class="key ${style}">${label}</span>`).join("")
    }</p>`;
  const parts = [
    section("Figures", figuresTable(result)),
    section("Latency", keys + latencyChart(series)),
    section("Calls per second", keys + rateChart(series)),
    section("Latency over time (p50, p99 dashed)", keys + latencyOverTimeChart(series)),
    section("Server", serverTable(series)),
    section("Errors and integrity", errorsTable(series)),
    compared === undefined ? "" : section(
      `Compared with ${escaped(compared.file)}`,
      "<p>To the right is worse; the grey band is noise.</p>" +
        comparisonChart(compared.comparisons, compared.threshold) + verdicts(compared),
    ),
  ];
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>sluice bench: ${
      escaped(result.setup.scenario)
    }</title><style>${STYLE}</style></head><body>`,
    header(result),
    `<main>${parts.join("\n")}</main></body></html>\n`,
  ].join("\n");
}

/** Of several runs the one whose rate is the median speaks for all in the pictures. */
function seriesOf({ runs, directRuns }: BenchResult): Series[] {
  const label = directRuns === undefined ? "server" : "through";
  const through = { label, style: "first" as const, figures: middleRun(runs) };
  if (directRuns === undefined) return [through];
  return [through, { label: "direct", style: "second", figures: middleRun(directRuns) }];
}

function middleRun(runs: readonly Figures[]): Figures {
  const sorted = [...runs].sort((a, b) => a.ratePerSecond - b.ratePerSecond);
  return sorted[Math.floor(sorted.length / 2)];
}

function header({ tool, startedAt, machine, setup, runs }: BenchResult): string {
  const { target, direct, scenario, era, connections, inflight, ratePerSecond } = setup;
  const loop = ratePerSecond === undefined
    ? `${inflight} in flight each`
    : `open loop, ${shown(ratePerSecond)} calls/s`;
  const isBusy = runs.some(({ generator }) => generator.isBottleneck);
  const alarm = isBusy
    ? '<p class="alarm">The load generator itself may be what was measured: use --workers.</p>'
    : "";
  return [
    `<h1>${escaped(scenario)}: ${escaped(target)}</h1>`,
    direct === undefined ? "" : `<p>against ${escaped(direct)} directly, in turn</p>`,
    `<p>${connections} connections, ${loop}; ${era} era; ${
      setup.durationMs / 1000
    } s measured after ${setup.warmUpMs / 1000} s, ${counted(runs.length, "time")}; ${
      counted(setup.workers, "generator")
    }</p>`,
    `<p>${escaped(tool)} on ${escaped(machine.runtime)}, ${escaped(machine.os)} ${
      escaped(machine.arch)
    }, ${machine.cores} cores, ${escaped(startedAt)}</p>${alarm}`,
  ].join("\n");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function figuresTable({ summary }: BenchResult): string {
  const rows = [...METRICS, ...RATIOS, ...ADDED].flatMap(({ name, label, unit }) => {
    const found: Summary | undefined = summary[name];
    if (found === undefined) return [];
    return [[
      `${label}${unit === "" ? "" : `, ${unit}`}`,
      ...[found.median, found.min, found.max]
        .map(shown),
    ]];
  });
  return table(["", "median", "least", "most"], rows);
}

function serverTable(series: readonly Series[]): string {
  const rows = series.map(({ label, figures: { server } }) =>
    "absent" in server ? [label, server.absent, "", "", ""] : [
      label,
      `${shown(100 * server.cpuShare)} %`,
      shown(server.cpuPerCallUs),
      `${shown(server.rssMaxKiB / 1024)} MiB`,
      shown(server.fdsMax),
    ]
  );
  return table(["", "CPU of one core", "us a call", "most memory", "most fds"], rows);
}

function errorsTable(series: readonly Series[]): string {
  const rows = series.flatMap(({ label, figures: { errors, integrity } }) => {
    const { crossed, lost, repeated, late, checkedBy } = integrity;
    return [
      [`${label}: answers checked by`, checkedBy],
      ...Object.entries({ crossed, lost, repeated, late, ...errors })
        .map(([kind, count]) => [`${label}: ${kind}`, shown(count)]),
    ];
  });
  return table(["", ""], rows);
}

function verdicts({ comparisons, threshold }: ComparedWith): string {
  const bad = comparisons.filter(({ verdict }) => verdict === "regression");
  if (bad.length === 0) return `<p>Nothing is worse by more than ${shown(100 * threshold)} %.</p>`;
  return `<p class="alarm">Worse: ${escaped(bad.map(({ label }) => label).join(", "))}</p>`;
}

function section(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2>${content}</section>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]) =>
    row.map((text, index) =>
      index === 0 ? `<th>${escaped(text)}</th>` : `<td>${escaped(text)}</td>`
    )
      .join("");
  const heading = head.every((text) => text === "")
    ? ""
    : `<thead><tr>${head.map((text) => `<th>${escaped(text)}</th>`).join("")}</tr></thead>`;
  return `<table>${heading}${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</table>`;
}
