import assert from "node:assert/strict";
import { METRICS_PAGE, metricsPage } from "../../../lib/telemetry/generate_docs.ts";
import { METRIC_GROUPS } from "../../../lib/telemetry/metric_questions.ts";
import { documentedRegistry } from "../../../lib/telemetry/joined_metrics.ts";

Deno.test("docs/operations/metrics.md matches the metrics that are declared", () => {
  const hint = "run deno task docs:metrics";
  assert.equal(Deno.readTextFileSync(METRICS_PAGE), metricsPage(), hint);
});

Deno.test("every metric of the gateway answers a question", () => {
  const metrics = documentedRegistry().collect();
  const asked = METRIC_GROUPS.flatMap(({ questions }) => Object.keys(questions));
  assert.equal(new Set(asked).size, asked.length, "one question for each");
  for (const { name } of metrics) {
    assert.ok(asked.includes(name), `${name} has no question in lib/telemetry/metric_questions.ts`);
  }
  assert.ok(metrics.length >= 50);
  assert.deepEqual(asked.filter((name) => metrics.every((metric) => metric.name !== name)), []);
});
