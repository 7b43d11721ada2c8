import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { documentedRegistry } from "../../../lib/telemetry/joined_metrics.ts";

const FOLDER = new URL("../../../docs/operations/", import.meta.url);

function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, FOLDER));
}

/** The part of Grafana's dashboard model that the file uses. Source: grafana/kinds/dashboard, schemaVersion 38. */
const target = z.strictObject({
  refId: z.string(),
  datasource: z.strictObject({ type: z.literal("prometheus"), uid: z.literal("${datasource}") }),
  expr: z.string().min(1),
  legendFormat: z.string(),
});
const gridPos = z.strictObject({
  h: z.int().min(1),
  w: z.int().min(1).max(24),
  x: z.int().min(0).max(23),
  y: z.int().min(0),
});
const row = z.strictObject({
  id: z.int(),
  type: z.literal("row"),
  title: z.string(),
  collapsed: z.literal(false),
  gridPos,
  panels: z.tuple([]),
});
const panel = z.strictObject({
  id: z.int(),
  type: z.enum(["timeseries", "stat"]),
  title: z.string().min(1),
  description: z.string(),
  datasource: target.shape.datasource,
  targets: z.array(target).min(1),
  fieldConfig: z.strictObject({
    defaults: z.strictObject({ unit: z.string() }),
    overrides: z.tuple([]),
  }),
  options: z.strictObject({}),
  gridPos,
});
const dashboard = z.looseObject({
  title: z.literal("Sluice"),
  uid: z.literal("sluice"),
  schemaVersion: z.int(),
  templating: z.strictObject({
    list: z.array(z.looseObject({ name: z.string(), type: z.enum(["datasource", "query"]) })),
  }),
  panels: z.array(z.discriminatedUnion("type", [row, panel])),
});

const board = dashboard.parse(JSON.parse(read("grafana-dashboard.json")));

/** Names of the samples that the gateway's metrics show. */
function sampleNames(): Set<string> {
  const registry = documentedRegistry();
  return new Set(
    registry.collect().flatMap(({ name, kind }) =>
      kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
    ),
  );
}

/** Names of metrics in an expression. */
function namesIn(expression: string): string[] {
  return expression.match(/\b(?:sluice|process)_[a-z0-9_]+\b/g) ?? [];
}

Deno.test("the dashboard has a row for each part of the gateway, and no panel twice in one place", () => {
  const rows = board.panels.filter(({ type }) => type === "row").map(({ title }) => title);
  assert.deepEqual(rows, [
    ...["Traffic", "Latency", "Errors", "Upstreams", "Pools"],
    ...["Cache", "Shared memory", "Security", "Process"],
  ]);
  const ids = board.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const taken = new Set<string>();
  for (const { gridPos: { x, y, w, h }, title } of board.panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const place = `${column},${line}`;
        assert.ok(!taken.has(place), `${title} lies on another`);
        taken.add(place);
      }
    }
  }
});

Deno.test("every panel asks for metrics that the gateway exports", () => {
  const known = sampleNames();
  for (const one of board.panels) {
    if (one.type === "row") continue;
    for (const { expr } of one.targets) {
      const names = namesIn(expr);
      assert.ok(names.length > 0, `${one.title}: ${expr}`);
      for (const name of names) assert.ok(known.has(name), `${one.title}: ${name}`);
    }
  }
});

/** One rule of Prometheus. */
interface AlertRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function rulesOf(): AlertRule[] {
  const { groups }: { groups: { rules: AlertRule[] }[] } = parse(read("alerts.yml"));
  return groups.flatMap(({ rules }) => rules);
}

Deno.test("every alert asks for metrics that exist, and has its section in the runbook and its test", () => {
  const rules = rulesOf();
  const known = sampleNames();
  const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
  const runbook = read("runbook.md");
  const tests = read("alerts_test.yml");
  const alerts = rules.filter((rule) => rule.alert !== undefined);
  assert.ok(alerts.length > 25);
  for (const { alert, expr, annotations } of alerts) {
    for (const name of namesIn(expr)) assert.ok(known.has(name), `${alert}: ${name}`);
    for (const name of expr.match(/sluice:\w+:\w+/g) ?? []) assert.ok(recorded.has(name), name);
    assert.ok(runbook.includes(`\n### ${alert}\n`), `${alert} has no section in runbook.md`);
    assert.equal(
      annotations?.runbook,
      `docs/operations/runbook.md#${alert!.toLowerCase()}`,
    );
    assert.ok(tests.includes(`alertname="${alert}"`), `${alert} has no test`);
  }
  for (const [, title] of runbook.matchAll(/^### (Sluice\w+)$/gm)) {
    assert.ok(alerts.some(({ alert }) => alert === title), `${title} is no alert`);
  }
});
