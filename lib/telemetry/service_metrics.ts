/**
 * Series about the service as a whole: capacity, anomalies, objectives. Fed by `ServiceWatch`.
 *
 * @module
 */
import type { Registry } from "./metrics.ts";

/** Declares them. A second call with the same registry returns the same metrics. */
export function serviceMetrics(registry: Registry) {
  const gauge = <const L extends string>(
    name: string,
    help: string,
    label: L,
    acrossWorkers: "max" | "min",
  ) => registry.gauge({ name, help, labels: [label], acrossWorkers });
  return {
    /** Smoothed; 1 is all there is. */
    capacity: gauge(
      "sluice_capacity_ratio",
      "Share of a resource that is used, smoothed over 10 s: cpu, memory, connections, bandwidth.",
      "resource",
      "max",
    ),
    /** As configured. */
    capacityThreshold: gauge(
      "sluice_capacity_threshold_ratio",
      "Share of a resource from which on it is too much.",
      "resource",
      "max",
    ),
    /** 1 while it is too much, with hysteresis. */
    capacityOver: gauge(
      "sluice_capacity_over",
      "1 while too much of a resource is used, until that is clearly below the threshold again.",
      "resource",
      "max",
    ),
    /** Deviations from what the signal has been lately. */
    anomalyScore: gauge(
      "sluice_anomaly_score",
      "How many deviations a signal is from what it has been lately: rate, error_share, p99.",
      "signal",
      "max",
    ),
    /** 1 while a signal is strange, with hysteresis. */
    anomalous: gauge(
      "sluice_anomalous",
      "1 while a signal is not what it has been lately.",
      "signal",
      "max",
    ),
    /** Over the last hour. */
    compliance: gauge(
      "sluice_objective_compliance_ratio",
      "Share of the requests of the last hour that were as the objective wants: availability, errors, latency.",
      "objective",
      "min",
    ),
    /** As configured. */
    objectiveTarget: gauge(
      "sluice_objective_target_ratio",
      "What that share should be.",
      "objective",
      "max",
    ),
    /** Capacity alerts and anomalies that began. */
    alerts: registry.counter({
      name: "sluice_watch_alerts_total",
      help: "Capacity alerts and anomalies that began, by kind.",
      labels: ["kind", "name"],
    }),
  };
}

/** See {@link serviceMetrics}. */
export type ServiceMetrics = ReturnType<typeof serviceMetrics>;
