/**
 * What counting costs on the message path, and what a scrape costs beside it.
 *
 * @module
 */
import { timedLookups } from "../cli/wiring/lookup_times.ts";
import { DEFAULTS } from "../lib/config/defaults.ts";
import type { Call, Policy } from "../lib/core/handler.ts";
import { gatewayMetrics } from "../lib/telemetry/gateway_metrics.ts";
import { createLogger } from "../lib/telemetry/logger.ts";
import { KNOWN_METHODS } from "../lib/telemetry/method_label.ts";
import { Registry } from "../lib/telemetry/metrics.ts";
import { ServiceWatch } from "../lib/telemetry/watch/service_watch.ts";
import { renderPrometheus } from "../lib/telemetry/prometheus.ts";

/** Updates per iteration: one alone is below the resolution of the clock. */
const UPDATES = 1000;

/** Rendering is measured with its encoding: the text alone is a rope that nobody has put together yet. */
const encoder = new TextEncoder();
const registry = new Registry();
const messages = registry.counter({
  name: "sluice_messages_total",
  help: "Messages.",
  labels: ["transport", "direction"],
});
const kept = messages.with({ transport: "tcp", direction: "in" });
const duration = registry.histogram({
  name: "sluice_request_duration_seconds",
  help: "Duration.",
  labels: ["method", "upstream"],
}).with({ method: "tools/call", upstream: "echo" });
const secondsOf = Float64Array.from({ length: UPDATES }, () => 0.0001 * 10 ** (Math.random() * 4));

const large = new Registry();
const largeCounter = large.counter({
  name: "sluice_requests_total",
  help: "Requests.",
  labels: ["method", "upstream", "outcome"],
  combinationsMax: 2000,
});
for (let i = 0; i < 2000; i++) {
  largeCounter.with({ method: "tools/call", upstream: `upstream-${i}`, outcome: "ok" }).inc(i);
}

const histograms = new Registry();
const largeHistogram = histograms.histogram({
  name: "sluice_request_duration_seconds",
  help: "Duration.",
  labels: ["method", "upstream"],
});
for (let i = 0; i < 91; i++) { // 91 x 22 lines = 2,002
  largeHistogram.with({ method: "tools/call", upstream: `upstream-${i}` }).observe(i / 10);
}

Deno.bench(`counter child inc() x ${UPDATES}`, () => {
  for (let i = 0; i < UPDATES; i++) kept.inc();
});

Deno.bench(`counter with().inc() x ${UPDATES}`, () => {
  for (let i = 0; i < UPDATES; i++) messages.with({ transport: "tcp", direction: "in" }).inc();
});

Deno.bench(`histogram observe() x ${UPDATES}`, () => {
  for (let i = 0; i < UPDATES; i++) duration.observe(secondsOf[i]);
});

Deno.bench("render 2,000 counter series", () => {
  encoder.encode(renderPrometheus(large));
});

Deno.bench("render 91 histograms (2,002 lines)", () => {
  encoder.encode(renderPrometheus(histograms));
});

const gateway = new Registry();
const metrics = gatewayMetrics(gateway);
for (let i = 0; i < 100; i++) { // about as many as ten servers have
  const upstream = `upstream-${i % 10}`, method = [...KNOWN_METHODS][i % 30];
  metrics.requests.with({ upstream, method, outcome: "ok" }).inc(i);
  metrics.requestDuration.with({ upstream, method }).observe(i / 1000);
}
const batches = metrics.batchMessages;
const watch = new ServiceWatch({
  registry: gateway,
  metrics,
  log: createLogger({ threshold: "silent" }),
  settings: {
    ...{ capacity: DEFAULTS.capacity, anomalies: DEFAULTS.anomalies },
    ...{ objectives: DEFAULTS.objectives, networkBitsPerS: 0 },
  },
  connectionShare: () => 0,
  securityEvents: () => [],
});
const answer = Promise.resolve(undefined);
const counted = timedLookups(metrics, () => {});
const hitting: Policy = () => () => {
  counted.count("l1", "hit");
  return answer;
};
const next = () => answer;
const call = { message: { method: "tools/list" } } as unknown as Call;
const timed = counted.timed(hitting)(next), bare = hitting(next);

Deno.bench(`batch of one observed x ${UPDATES}`, () => {
  for (let i = 0; i < UPDATES; i++) batches.observe(1);
});

Deno.bench(`kept answer, not timed x ${UPDATES}`, { group: "lookups", baseline: true }, () => {
  for (let i = 0; i < UPDATES; i++) bare(call);
});

Deno.bench(`kept answer, one in 64 timed x ${UPDATES}`, { group: "lookups" }, () => {
  for (let i = 0; i < UPDATES; i++) timed(call);
});

Deno.bench("the watch looks once (each second)", () => watch.look());

Deno.bench("overview", () => {
  watch.snapshot();
});

Deno.bench("render a gateway with 100 series of durations", () => {
  encoder.encode(renderPrometheus(gateway));
});
