import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../../lib/core/errors.ts";
import { gatewayMetrics } from "../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../lib/telemetry/metrics.ts";
import { renderPrometheus } from "../../../lib/telemetry/prometheus.ts";
import { mergedRegistry, snapshotOf } from "../../../lib/workers/merged_metrics.ts";

/** As it comes from another process. */
function sent(registry: Registry): ReturnType<typeof snapshotOf> {
  return JSON.parse(JSON.stringify(snapshotOf(registry)));
}

function workerWith(requests: number, sessions: number, state: number, durations: number[]) {
  const registry = new Registry();
  registry.counter({ name: "requests_total", help: "h", labels: ["method"] })
    .with({ method: "ping" }).inc(requests);
  registry.gauge({ name: "sessions", help: "h" }).with({}).set(sessions);
  registry.gauge({ name: "state", help: "h", labels: ["upstream"], acrossWorkers: "max" })
    .with({ upstream: "a" }).set(state);
  const duration = registry.histogram({ name: "duration", help: "h", buckets: [1, 2] }).with({});
  for (const value of durations) duration.observe(value);
  return registry;
}

Deno.test("mergedRegistry() adds counters, histograms and gauges, and takes the greatest where that is said", () => {
  const workers = [workerWith(3, 2, 0, [0.5, 3]), workerWith(4, 5, 2, [1.5]), new Registry()];
  const text = renderPrometheus(mergedRegistry(workers.map(sent)));
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  assert.deepEqual(lines, [
    'requests_total{method="ping"} 7',
    "sessions 7",
    'state{upstream="a"} 2',
    'duration_bucket{le="1"} 1',
    'duration_bucket{le="2"} 2',
    'duration_bucket{le="+Inf"} 3',
    "duration_sum 5",
    "duration_count 3",
    "",
  ]);
});

Deno.test("mergedRegistry() keeps the sign of a gauge whose values are negative", () => {
  const text = renderPrometheus(mergedRegistry([sent(workerWith(0, 0, -3, []))]));
  assert.match(text, /^state\{upstream="a"\} -3$/m);
});

Deno.test("mergedRegistry() of one worker shows what that worker shows", () => {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  metrics.buildInfo.with({ version: "1" }).set(1);
  metrics.requestDuration.with({ method: "ping", upstream: 'a"\n\\' }).observe(0.003);
  const snapshot = sent(registry);
  const shown = renderPrometheus(mergedRegistry([snapshot]));
  const names = (text: string) => text.match(/^[a-z_]+/gm);
  assert.deepEqual(names(shown), names(renderPrometheus(registry)));
});

Deno.test("mergedRegistry() of any counters is their sum, whatever the labels", () => {
  const label = fc.string({ maxLength: 20, unit: "grapheme" });
  const counts = fc.array(fc.array(fc.tuple(label, fc.nat(1000))), { maxLength: 4 });
  fc.assert(fc.property(counts, (workers) => {
    const sums = new Map<string, number>();
    const registries = workers.map((counted) => {
      const registry = new Registry();
      const counter = registry.counter({ name: "c_total", help: "h", labels: ["l"] });
      for (const [l, n] of counted) {
        counter.with({ l }).inc(n);
        sums.set(l, (sums.get(l) ?? 0) + n);
      }
      return registry;
    });
    const merged = mergedRegistry(registries.map(sent));
    const metric = merged.collect().find(({ name }) => name === "c_total");
    const found = new Map(
      metric?.children().map((child) => {
        assert.ok("value" in child);
        return [child.labelValues[0], child.value];
      }),
    );
    assert.deepEqual(found, sums);
  }));
});

Deno.test("mergedRegistry() takes more series together than one worker may have", () => {
  const workers = ["a", "b"].map((prefix) => {
    const registry = new Registry();
    const counter = registry.counter({ name: "c_total", help: "h", labels: ["l"] });
    for (let i = 0; i < 400; i++) counter.with({ l: `${prefix}${i}` }).inc();
    return registry;
  });
  const metric = mergedRegistry(workers.map(sent)).collect().find(({ name }) => name === "c_total");
  assert.equal(metric?.children().length, 800);
});

Deno.test("mergedRegistry() refuses metrics that differ", () => {
  const one = new Registry(), other = new Registry();
  one.gauge({ name: "x", help: "h" }).with({}).set(1);
  other.histogram({ name: "x", help: "h" }).with({}).observe(1);
  assert.throws(() => mergedRegistry([one, other].map(sent)), SluiceError);
});

Deno.test("mergedRegistry() takes the least of a gauge that says how well things go", () => {
  const worker = (value: number) => {
    const registry = new Registry();
    registry.gauge({ name: "compliance", help: "Share.", acrossWorkers: "min" }).with({}).set(
      value,
    );
    return snapshotOf(registry);
  };
  const merged = mergedRegistry([worker(0.9), worker(0.5), worker(1)]).collect();
  const gauge = merged.find(({ name }) => name === "compliance");
  assert.ok(gauge?.kind === "gauge");
  assert.equal(gauge.with({}).value, 0.5);
});
