/**
 * Writes docs/operations/metrics.md from the metrics that are declared: `deno task docs:metrics`.
 *
 * @module
 */
import { documentedRegistry } from "./joined_metrics.ts";
import { METRIC_GROUPS, type MetricGroup } from "./metric_questions.ts";
import type { Metric } from "./metrics.ts";

/** Where the page is. */
export const METRICS_PAGE = new URL("../../docs/operations/metrics.md", import.meta.url);

const FMT_OFF = "<!-- deno-fmt-ignore-start -->\n";
const FMT_ON = "<!-- deno-fmt-ignore-end -->\n";

const HEAD = `# Metrics

\`GET /metrics\` answers in the text format of Prometheus; of several workers, one answers for all.
This page is made by \`deno task docs:metrics\`. [alerts.yml](alerts.yml) has rules over these series,
[grafana-dashboard.json](grafana-dashboard.json) shows them, [runbook.md](runbook.md) says what to
do.

No id, token or argument ever becomes a label. Methods that MCP does not know and error codes that
nobody has defined count as \`other\`; a metric with too many series counts what is new as \`other\`,
and says so in \`sluice_metric_overflows_total\`.
`;

/** The page for what is declared now. */
export function metricsPage(): string {
  const metrics = new Map(documentedRegistry().collect().map((metric) => [metric.name, metric]));
  const sections = METRIC_GROUPS.map((group) => section(group, metrics));
  return [HEAD, FMT_OFF, ...sections, FMT_ON].join("\n");
}

function section({ title, questions }: MetricGroup, metrics: ReadonlyMap<string, Metric>): string {
  const rows = Object.entries(questions).flatMap(([name, question]) => {
    const metric = metrics.get(name);
    return metric === undefined ? [] : [row(metric, question)];
  });
  const head = "| series | kind | question | what it is |\n| --- | --- | --- | --- |\n";
  return `## ${title}\n\n${head}${rows.join("\n")}\n`;
}

function row({ name, labels, kind, help }: Metric, question: string): string {
  const series = labels.length === 0 ? name : `${name}{${labels.join(",")}}`;
  return `| \`${series}\` | ${kind} | ${question} | ${help.replaceAll("|", "\\|")} |`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(METRICS_PAGE, metricsPage());
}
