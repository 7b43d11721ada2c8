import assert from "node:assert/strict";
import { gatewayMetrics } from "../../../../lib/telemetry/gateway_metrics.ts";
import type { LogFields, Logger } from "../../../../lib/telemetry/logger.ts";
import { Registry } from "../../../../lib/telemetry/metrics.ts";
import type { RecentAlert } from "../../../../lib/telemetry/overview.ts";
import { ServiceWatch } from "../../../../lib/telemetry/watch/service_watch.ts";

/** A watch whose time and machine are the test's. */
function scene() {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  const now = { ms: 0, cpuS: 0, memoryShare: 0.1, connectionShare: 0.1 };
  const logged: [level: string, message: string, fields?: LogFields][] = [];
  const log = {
    warn: (message: string, fields?: LogFields) => logged.push(["warn", message, fields]),
    info: (message: string, fields?: LogFields) => logged.push(["info", message, fields]),
  } as unknown as Logger;
  const watch = new ServiceWatch({
    ...{ registry, metrics, log },
    settings: {
      capacity: { cpu: 0.8, memory: 0.85, connections: 0.9, bandwidth: 0.7 },
      networkBitsPerS: 8_000_000,
      anomalies: { enabled: true, score: 4, warmUpMs: 300_000, halfLifeMs: 300_000 },
      objectives: { availability: 0.999, errors: 0.001, p95Ms: 150 },
    },
    connectionShare: () => now.connectionShare,
    securityEvents: () => [{ atMs: 1, type: "host_refused" }],
  }, {
    nowMs: () => now.ms,
    limits: { cores: 1, memoryBytes: 1e9, networkBitsPerS: 0 },
    use: () => ({ cpuS: now.cpuS, memoryShare: now.memoryShare }),
  });
  const requests = (outcome: string, count: number, seconds = 0.01) => {
    metrics.requests.with({ method: "tools/call", upstream: "a", outcome }).inc(count);
    const series = metrics.requestDuration.with({ method: "tools/call", upstream: "a" });
    for (let i = 0; i < count; i++) series.observe(seconds);
  };
  /** Looks once a second for so long, after `each`. */
  const run = (seconds: number, each: (second: number) => void = () => {}) => {
    for (let i = 0; i < seconds; i++) {
      now.ms += 1000;
      each(i);
      watch.look();
    }
  };
  return { registry, metrics, now, logged, watch, requests, run };
}

/** Value of a series in the metrics. */
function valueOf(registry: Registry, name: string, label: string): number | undefined {
  const metric = registry.collect().find((one) => one.name === name);
  if (metric === undefined || metric.kind === "histogram") return undefined;
  return metric.children().find(({ labelValues }) => labelValues[0] === label)?.value;
}

Deno.test("ServiceWatch tells rates and percentiles of the last ten seconds", () => {
  const { watch, metrics, requests, run } = scene();
  run(60, () => {
    requests("ok", 90);
    requests("UpstreamTimeout", 10, 2);
    metrics.bytes.with({ transport: "tcp", direction: "in", stage: "message" }).inc(1000);
    metrics.bytes.with({ transport: "tcp", direction: "in", stage: "wire" }).inc(5000);
  });
  const { rates, latency, windowS } = watch.snapshot();
  assert.equal(windowS, 10);
  assert.equal(rates.requestsPerS, 100);
  assert.equal(rates.errorsPerS, 10);
  assert.equal(rates.errorShare, 0.1);
  assert.equal(rates.bytesInPerS, 1000, "bytes on the wire are the same ones again");
  assert.equal(latency.count, 1000);
  assert.ok(latency.p50Ms <= 10 && latency.p50Ms > 5);
  assert.ok(latency.p99Ms > 1000 && latency.p99Ms <= 2500);
});

Deno.test("ServiceWatch warns once when a resource runs short, and says when it is back", () => {
  const { watch, now, logged, run, registry } = scene();
  const alerts: RecentAlert[] = [];
  const listening = watch.onAlert((alert) => alerts.push(alert));
  run(5);
  run(60, () => now.cpuS += 0.95);
  assert.deepEqual(logged.map(([level, message]) => [level, message]), [
    ["warn", "capacity runs short"],
  ]);
  assert.equal(logged[0][2]?.resource, "cpu");
  assert.equal(valueOf(registry, "sluice_capacity_over", "cpu"), 1);
  assert.ok(valueOf(registry, "sluice_capacity_ratio", "cpu")! > 0.8);
  assert.equal(valueOf(registry, "sluice_capacity_threshold_ratio", "cpu"), 0.8);
  run(60);
  assert.equal(logged.length, 2);
  assert.equal(logged[1][1], "capacity is back");
  assert.deepEqual(alerts.map(({ name, isOver }) => [name, isOver]), [["cpu", true], [
    "cpu",
    false,
  ]]);
  assert.deepEqual(watch.snapshot().alerts, alerts.toReversed());
  listening[Symbol.dispose]();
  run(60, () => now.memoryShare = 1);
  assert.equal(alerts.length, 2, "nobody listens any more");
  assert.equal(watch.snapshot().alerts.length, 3);
});

Deno.test("ServiceWatch watches connections, memory and bandwidth as well", () => {
  const { watch, now, run, metrics } = scene();
  now.memoryShare = 0.9;
  now.connectionShare = 0.95;
  const out = metrics.bytes.with({ transport: "tcp", direction: "out", stage: "message" });
  run(60, () => out.inc(900_000)); // 7.2 of 8 Mbit/s
  const over = watch.snapshot().capacity.filter(({ isOver }) => isOver);
  assert.deepEqual(over.map(({ resource }) => resource), ["memory", "connections", "bandwidth"]);
});

Deno.test("ServiceWatch finds a burst of errors anomalous after a quiet time, and not before", () => {
  const { watch, logged, requests, run, registry } = scene();
  const young = scene();
  young.run(100, () => young.requests("ok", 50));
  young.run(100, () => young.requests("error", 50));
  assert.equal(young.logged.length, 0, "still warming up");
  run(600, () => requests("ok", 50));
  run(30, () => {
    requests("ok", 25);
    requests("error", 25);
  });
  assert.deepEqual(logged.map(([, message, fields]) => [message, fields?.signal]), [
    ["anomaly begins", "error_share"],
  ]);
  assert.ok(valueOf(registry, "sluice_anomaly_score", "error_share")! >= 4);
  assert.equal(valueOf(registry, "sluice_anomalous", "error_share"), 1);
  assert.equal(valueOf(registry, "sluice_watch_alerts_total", "anomaly"), 1);
  run(60, () => requests("ok", 50));
  assert.equal(logged.at(-1)?.[1], "anomaly is over");
  assert.ok(watch.snapshot().anomalies.every(({ isAnomalous }) => !isAnomalous));
});

Deno.test("ServiceWatch sees that clients have stopped to come", () => {
  const { logged, requests, run } = scene();
  run(400, () => requests("ok", 100));
  run(30);
  assert.deepEqual(logged.map(([, message, fields]) => [message, fields?.signal]), [
    ["anomaly begins", "rate"],
  ]);
});

Deno.test("ServiceWatch counts objectives over an hour, and forgets what is older", () => {
  const { watch, requests, run, registry } = scene();
  run(60, () => {
    requests("ok", 98, 0.2);
    requests("UpstreamTimeout", 1);
    requests("error", 1);
  });
  const [availability, errors, latency] = watch.snapshot().objectives;
  assert.equal(availability.compliance, 0.99);
  assert.equal(errors.compliance, 0.98);
  assert.ok(latency.compliance < 0.1, "0.2 s is too slow");
  assert.equal(latency.target, 0.95);
  assert.equal(valueOf(registry, "sluice_objective_compliance_ratio", "errors"), 0.98);
  run(3720);
  assert.deepEqual(watch.snapshot().objectives.map(({ requests }) => requests), [0, 0, 0]);
  assert.equal(valueOf(registry, "sluice_objective_compliance_ratio", "errors"), 1);
});

Deno.test("ServiceWatch leaves streams that stay open out of latency", () => {
  const { watch, metrics, run } = scene();
  run(5, () => {
    metrics.requestDuration.with({ method: "subscriptions/listen", upstream: "a" }).observe(500);
  });
  assert.equal(watch.snapshot().latency.count, 0);
});
