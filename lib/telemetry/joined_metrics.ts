/**
 * Series that their owners declare when they are used, declared here as well so that docs/operations/metrics.md
 * and its checks know them all. A declaration that is made twice is one.
 *
 * @module
 */
import type { Registry } from "./metrics.ts";

/** Declares them. */
export function joinedMetrics(registry: Registry): void {
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
