import assert from "node:assert/strict";
import { gatewayMetrics } from "../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../lib/telemetry/metrics.ts";

Deno.test("gatewayMetrics() declares the documented series", () => {
  const registry = new Registry();
  gatewayMetrics(registry);
  const shapes = registry.collect().map(({ kind, name, labels }) => `${kind} ${name} ${labels}`);
  for (
    const shape of [
      "gauge sluice_connections transport",
      "counter sluice_messages_total transport,direction",
      "counter sluice_bytes_total transport,direction,stage",
      "histogram sluice_request_duration_seconds method,upstream",
      "counter sluice_requests_total method,upstream,outcome",
      "gauge sluice_sessions ",
      "gauge sluice_children ",
      "counter sluice_late_answers_total upstream",
      "counter sluice_bad_messages_total transport",
      "counter sluice_security_events_total type",
      "counter sluice_log_dropped_total ",
      "counter sluice_unhandled_rejections_total ",
      "counter sluice_relistens_total transport",
      "histogram sluice_event_loop_delay_seconds ",
      "gauge process_resident_memory_bytes ",
      "counter process_cpu_seconds_total ",
      "gauge process_start_time_seconds ",
      "gauge sluice_build_info version",
    ]
  ) assert(shapes.includes(shape), shape);
});

Deno.test("gatewayMetrics() returns the same metrics when called twice for a registry", () => {
  const registry = new Registry();
  const first = gatewayMetrics(registry);
  const second = gatewayMetrics(registry);
  assert.equal(second.messages, first.messages);
  assert.equal(second.sessions, first.sessions);
});
