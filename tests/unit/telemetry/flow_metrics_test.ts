import assert from "node:assert/strict";
import { flowMetrics } from "../../../lib/telemetry/flow_metrics.ts";
import { Registry } from "../../../lib/telemetry/metrics.ts";
import { renderPrometheus } from "../../../lib/telemetry/prometheus.ts";

function lines(registry: Registry, name: string): string[] {
  return renderPrometheus(registry).split("\n").filter((line) => line.startsWith(name));
}

Deno.test("flowMetrics() says how many lookups keep to their target", () => {
  const registry = new Registry();
  const { lookups } = flowMetrics(registry);
  for (const us of [5, 20, 40, 400]) lookups.with({ target: "tool_schema" }).observe(us / 1e6);
  for (const us of [5, 20, 40, 400]) lookups.with({ target: "static_metadata" }).observe(us / 1e6);
  for (const us of [5, 60, 90, 400]) lookups.with({ target: "shared_memory" }).observe(us / 1e6);
  assert.deepEqual(lines(registry, "sluice_sona_compliance_ratio"), [
    'sluice_sona_compliance_ratio{target="tool_schema"} 0.75',
    'sluice_sona_compliance_ratio{target="static_metadata"} 0.25',
    'sluice_sona_compliance_ratio{target="shared_memory"} 0.75',
  ]);
});

Deno.test("flowMetrics() says how often another endpoint was found", () => {
  const registry = new Registry();
  const { failoverAttempts } = flowMetrics(registry);
  failoverAttempts.with({ group: "untried", outcome: "ok" });
  failoverAttempts.with({ group: "a", outcome: "ok" }).inc(3);
  failoverAttempts.with({ group: "a", outcome: "failed" }).inc();
  assert.deepEqual(lines(registry, "sluice_failover_success_ratio"), [
    'sluice_failover_success_ratio{group="a"} 0.75',
  ]);
});

Deno.test("flowMetrics() says what compression makes of bytes", () => {
  const registry = new Registry();
  const { compressed } = flowMetrics(registry);
  assert.deepEqual(lines(registry, "sluice_compression_ratio"), []);
  compressed.with({ encoding: "gzip", stage: "message" }).inc(900);
  compressed.with({ encoding: "gzip", stage: "wire" }).inc(100);
  compressed.with({ encoding: "zstd", stage: "message" }).inc(100);
  compressed.with({ encoding: "zstd", stage: "wire" }).inc(100);
  assert.deepEqual(lines(registry, "sluice_compression_ratio"), ["sluice_compression_ratio 5"]);
});
