import assert from "node:assert/strict";
import { gatewayMetrics } from "../../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../../lib/telemetry/metrics.ts";
import type { Overview } from "../../../../lib/telemetry/overview.ts";
import { mergedOverview } from "../../../../lib/telemetry/watch/merged_overview.ts";
import { overviewOf } from "../../../../lib/telemetry/watch/overview_of.ts";
import { between, totalsOf } from "../../../../lib/telemetry/watch/totals.ts";

/** What one worker says that has answered so many requests in a second, each in so long. */
function worker(requests: number, seconds: number, circuit: number): Overview {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  const before = totalsOf(metrics, 0);
  metrics.requests.with({ method: "ping", upstream: "a", outcome: "ok" }).inc(requests);
  for (let i = 0; i < requests; i++) {
    metrics.requestDuration.with({ method: "ping", upstream: "a" }).observe(seconds);
  }
  metrics.connections.with({ transport: "tcp" }).inc(requests);
  metrics.circuitState.with({ upstream: "a" }).set(circuit);
  metrics.cacheRequests.with({ tier: "l1", outcome: "hit" }).inc(3);
  metrics.cacheRequests.with({ tier: "l1", outcome: "miss" }).inc(circuit);
  metrics.securityEvents.with({ type: "host_refused" }).inc();
  return overviewOf(registry, {
    passed: between(before, totalsOf(metrics, 1000)),
    boundsS: metrics.requestDuration.buckets,
    cpuCores: 0.5,
    capacity: [{ resource: "cpu", ratio: circuit / 2, threshold: 0.8, isOver: circuit === 2 }],
    anomalies: [{ signal: "p99", value: 1, mean: 1, score: -circuit, isAnomalous: false }],
    objectives: [{
      ...{ objective: "errors", target: 0.999, requests, bad: circuit },
      compliance: 1 - circuit / requests,
    }],
    alerts: [{ atMs: circuit, kind: "capacity", name: "cpu", isOver: true, value: 1 }],
    securityEvents: [{ atMs: circuit, type: "host_refused" }],
  });
}

Deno.test("mergedOverview() adds up what can be added and takes the worst of the rest", () => {
  const merged = mergedOverview([worker(30, 0.001, 0), worker(10, 0.3, 2)]);
  assert.equal(merged.rates.requestsPerS, 40);
  assert.equal(merged.latency.count, 40);
  assert.ok(merged.latency.p50Ms <= 1 && merged.latency.p95Ms > 250, "of all requests together");
  assert.deepEqual(merged.connections.byTransport, { tcp: 40 });
  assert.deepEqual(merged.breakers, [{ upstream: "a", state: "open" }]);
  assert.deepEqual(merged.cache.tiers, [
    { tier: "l1", byOutcome: { hit: 6, miss: 2 }, hitShare: 0.75 },
  ]);
  assert.deepEqual(merged.capacity.map(({ ratio, isOver }) => [ratio, isOver]), [[1, true]]);
  assert.equal(merged.anomalies[0].score, -2);
  assert.deepEqual(merged.objectives.map(({ compliance, bad }) => [compliance, bad]), [[0.95, 2]]);
  assert.deepEqual(merged.security.byType, { host_refused: 2 });
  assert.deepEqual(merged.security.recent.map(({ atMs }) => atMs), [2, 0]);
  assert.equal(merged.process.workers, 2);
  assert.equal(merged.process.cpuCores, 1);
});

Deno.test("mergedOverview() of one worker says what it says, also after JSON", () => {
  const one = worker(5, 0.01, 1);
  assert.deepEqual(mergedOverview([JSON.parse(JSON.stringify(one))]), one);
});
