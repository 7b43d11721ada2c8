import assert from "node:assert/strict";
import { DashboardFeed } from "../../../../lib/admin/dashboard/feed.ts";
import { History, POINTS_MAX } from "../../../../lib/admin/dashboard/history.ts";
import { gatewayMetrics } from "../../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../../lib/telemetry/metrics.ts";
import type { Overview } from "../../../../lib/telemetry/overview.ts";
import { overviewOf } from "../../../../lib/telemetry/watch/overview_of.ts";
import { between, totalsOf } from "../../../../lib/telemetry/watch/totals.ts";

function overview(): Overview {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  const totals = totalsOf(metrics, 0);
  return overviewOf(registry, {
    passed: between(totals, totals),
    boundsS: metrics.requestDuration.buckets,
    cpuCores: 0,
    ...{ capacity: [], anomalies: [], objectives: [], alerts: [], securityEvents: [] },
  });
}

function feedOf(viewers: number) {
  let made = 0;
  const failures: unknown[] = [];
  const feed = new DashboardFeed({
    overview() {
      made++;
      if (made === 3) return Promise.reject(new Error("no figures"));
      return Promise.resolve(overview());
    },
    viewersMax: () => viewers,
    failed: (reason) => void failures.push(reason),
  });
  return { feed, failures, made: () => made };
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return new TextDecoder().decode(value);
}

Deno.test("DashboardFeed gives a viewer what has been, then the present, encoded once for all", async () => {
  const { feed, made } = feedOf(2);
  const [a, b] = [feed.open()!.getReader(), feed.open()!.getReader()];
  assert.match(await read(a), /^retry: \d+\n\nevent: history\ndata: .*\n\n$/);
  await read(b);
  await feed.tick();
  assert.equal(made(), 1);
  const [first, second] = [(await a.read()).value, (await b.read()).value];
  assert.equal(first, second, "not the same bytes");
  assert.match(new TextDecoder().decode(first), /^event: overview\ndata: \{"atMs":/);
  feed[Symbol.dispose]();
  assert.match(await read(a), /^event: end\n/);
  assert.ok((await a.read()).done);
  assert.equal(feed.open(), undefined);
});

Deno.test("DashboardFeed takes only so many viewers, and a new one when one has gone", async () => {
  using feed = feedOf(1).feed;
  const viewer = feed.open()!;
  assert.equal(feed.open(), undefined);
  await viewer.cancel();
  assert.equal(feed.viewers, 0);
  assert.notEqual(feed.open(), undefined);
});

Deno.test("DashboardFeed makes nothing while nobody watches, and survives what cannot be made", async () => {
  const { feed, made, failures } = feedOf(1);
  await feed.tick();
  assert.equal(made(), 0);
  const viewer = feed.open()!;
  for (let i = 0; i < 3; i++) await feed.tick();
  assert.equal(failures.length, 1);
  await feed.tick();
  assert.equal(made(), 4);
  await viewer.cancel();
  feed[Symbol.dispose]();
});

Deno.test("DashboardFeed lets a viewer that does not read miss events, not fill the memory", async () => {
  const { feed } = feedOf(1);
  const reader = feed.open()!.getReader();
  for (let i = 0; i < 2000; i++) await feed.tick();
  feed[Symbol.dispose]();
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
  }
  assert.ok(bytes < 300 * 1024, `${bytes} bytes waited`);
});

Deno.test("History keeps ten minutes in columns of the same length", () => {
  const history = new History();
  for (let i = 0; i < POINTS_MAX + 5; i++) history.add(overview());
  const { atS, columns } = history.columns();
  assert.equal(atS.length, POINTS_MAX);
  assert.ok(Object.values(columns).every(({ length }) => length === POINTS_MAX));
});
