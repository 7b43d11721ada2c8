import assert from "node:assert/strict";
import fc from "fast-check";
import { gatewayMetrics } from "../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../lib/telemetry/metrics.ts";
import {
  escapeHelp,
  escapeLabelValue,
  formatValue,
  renderPrometheus,
} from "../../../lib/telemetry/prometheus.ts";

Deno.test("renderPrometheus() writes the text format for each kind of metric", () => {
  const registry = new Registry();
  registry.counter({ name: "c_total", help: 'A \\ and\na "line".', labels: ["path"] })
    .with({ path: 'C:\\x "y"\nz' }).inc(3);
  registry.gauge({ name: "g", help: "Gauge." }).with({}).set(-1.5);
  const histogram = registry.histogram({
    name: "h_seconds",
    help: "Histogram.",
    labels: ["m"],
    buckets: [0.1, 1],
  });
  for (const value of [0.05, 0.5, 0.5, 7]) histogram.with({ m: "x" }).observe(value);
  registry.histogram({ name: "i_seconds", help: "No labels.", buckets: [1] }).with({}).observe(1);
  registry.gauge({ name: "empty", help: "Nothing yet.", labels: ["x"] });
  assert.equal(
    renderPrometheus(registry),
    [
      '# HELP c_total A \\\\ and\\na "line".',
      "# TYPE c_total counter",
      'c_total{path="C:\\\\x \\"y\\"\\nz"} 3',
      "# HELP g Gauge.",
      "# TYPE g gauge",
      "g -1.5",
      "# HELP h_seconds Histogram.",
      "# TYPE h_seconds histogram",
      'h_seconds_bucket{m="x",le="0.1"} 1',
      'h_seconds_bucket{m="x",le="1"} 3',
      'h_seconds_bucket{m="x",le="+Inf"} 4',
      'h_seconds_sum{m="x"} 8.05',
      'h_seconds_count{m="x"} 4',
      "# HELP i_seconds No labels.",
      "# TYPE i_seconds histogram",
      'i_seconds_bucket{le="1"} 1',
      'i_seconds_bucket{le="+Inf"} 1',
      "i_seconds_sum 1",
      "i_seconds_count 1",
      "",
    ].join("\n"),
  );
});

Deno.test("formatValue() spells what is not finite as the format asks", () => {
  assert.deepEqual([NaN, Infinity, -Infinity, -0, 1e21, 2 ** 53].map(formatValue), [
    "NaN",
    "+Inf",
    "-Inf",
    "0",
    "1e+21",
    "9007199254740992",
  ]);
});

Deno.test("escapeLabelValue() can be undone and never leaves a quote or a line feed bare", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", "a") }), (value) => {
      const escaped = escapeLabelValue(value);
      assert.match(escaped, /^(?:[^"\\\n]|\\[\\"n])*$/);
      const back = escaped.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : c);
      assert.equal(back, value);
      assert.match(escapeHelp(value), /^(?:[^\\\n]|\\[\\n])*$/);
    }),
  );
});

const promtool = await findPromtool();

async function findPromtool(): Promise<boolean> {
  try {
    const command = new Deno.Command("promtool", { args: ["--version"], stdout: "null" });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name: `renderPrometheus() satisfies promtool${promtool ? "" : " (SKIPPED: promtool is absent)"}`,
  ignore: !promtool,
  async fn() {
    const registry = new Registry();
    const metrics = gatewayMetrics(registry);
    const upstream = 'C:\\a "b"\n\u00e9\ud83d\ude00\ud800';
    metrics.connections.with({ transport: "tcp" }).inc();
    metrics.messages.with({ transport: "tcp", direction: "in" }).inc(1e21);
    metrics.bytes.with({ transport: "tcp", direction: "in", stage: "wire" }).inc(0.1 + 0.2);
    metrics.badMessages.with({ transport: "http" }).inc();
    metrics.requestDuration.with({ method: "tools/call", upstream }).observe(0.3);
    metrics.requestDuration.with({ method: "ping", upstream }).observe(1e6);
    metrics.requests.with({ method: "ping", upstream, outcome: "ok" }).inc();
    metrics.lateAnswers.with({ upstream }).inc();
    metrics.securityEvents.with({ type: "origin" }).inc();
    metrics.relistens.with({ transport: "http" }).inc();
    metrics.buildInfo.with({ version: "0.1.0" }).set(1);
    metrics.sessions.set(NaN);
    metrics.children.set(-Infinity);
    registry.gauge({ name: "g", help: "a \\ b\nc" }).with({}).set(Infinity);
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(renderPrometheus(registry)));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(said, "");
    assert.equal(code, 0);
  },
});
