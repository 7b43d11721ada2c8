/**
 * Series that their owners declare when they are used, said here once more so that docs/operations/metrics.md
 * and the checks of dashboard and alerts know them all. No gateway runs this.
 *
 * @module
 */
import { gatewayMetrics } from "./gateway_metrics.ts";
import { Registry } from "./metrics.ts";

/** A registry with every metric that a gateway may have. */
export function documentedRegistry(): Registry {
  const registry = new Registry();
  gatewayMetrics(registry);
  joinedMetrics(registry);
  return registry;
}

function joinedMetrics(registry: Registry): void {
  registry.gauge({
    name: "sluice_pool_connections",
    help: "Members of a pool by what they do: starting, idle, busy, leaving or failed.",
    labels: ["upstream", "state"],
  });
  registry.counter({
    name: "sluice_authentications_total",
    help: "Requests and connections whose client was asked who it is.",
    labels: ["proof", "outcome"],
  });
  registry.counter({
    name: "sluice_member_failures_total",
    help: "Servers behind an endpoint of several that could not be asked or told something.",
    labels: ["upstream"],
  });
  registry.gauge({
    name: "sluice_feature_percent",
    help: "Share of the clients that have an optimisation, 0 to 100.",
    labels: ["feature"],
    acrossWorkers: "min",
  });
  registry.counter({
    name: "sluice_feature_calls_total",
    help: "Answers while an optimisation is on for a part of the clients: on or off; ok or error.",
    labels: ["feature", "group", "outcome"],
  });
  registry.counter({
    name: "sluice_feature_rollbacks_total",
    help: "Optimisations that were turned off because their clients had more errors.",
    labels: ["feature"],
  });
  registry.counter({
    name: "sluice_trace_spans_dropped_total",
    help:
      "Spans that were not exported: the queue was full, the collector refused, or the end came.",
    labels: ["reason"],
  });
  registry.counter({
    name: "sluice_otlp_exports_total",
    help: "Requests to the collector by outcome: taken, refused, or later (to be sent again).",
    labels: ["signal", "outcome"],
  });
  registry.gauge({
    name: "sluice_suspicious_clients",
    help: "Addresses and principals that are refused for a time.",
  });
  registry.gauge({
    name: "sluice_workers",
    help: "Processes that the gateway should be.",
    acrossWorkers: "max",
  });
  registry.gauge({
    name: "sluice_workers_answered",
    help: "Workers that these figures are of; the others did not answer in time.",
  });
  registry.counter({
    name: "sluice_worker_restarts_total",
    help: "Workers that were started again after they had ended.",
  });
  registry.counter({
    name: "sluice_relayed_requests_total",
    help: "Requests carried to another worker because it has their session.",
  });
}
