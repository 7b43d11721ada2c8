/**
 * Optimisations that can be turned off, with their counters and log lines.
 *
 * @module
 */
import { Features } from "../../lib/admin/features.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { Logger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";

/** Makes them as a configuration says. */
export function createFeatures(config: GatewayConfig, registry: Registry, log: Logger): Features {
  const share = registry.gauge({
    name: "sluice_feature_percent",
    help: "Share of the clients that have an optimisation, 0 to 100.",
    labels: ["feature"],
    acrossWorkers: "min",
  });
  const calls = registry.counter({
    name: "sluice_feature_calls_total",
    help: "Answers while an optimisation is on for a part of the clients: on or off; ok or error.",
    labels: ["feature", "group", "outcome"],
  });
  const rollBacks = registry.counter({
    name: "sluice_feature_rollbacks_total",
    help: "Optimisations that were turned off because their clients had more errors.",
    labels: ["feature"],
  });
  for (const name of Features.unknownIn(config.features)) {
    log.warn(`features.${name} is no known optimisation and means nothing`);
  }
  const features = new Features(config.features, {
    changed({ name, percent, source, on, off }) {
      share.with({ feature: name }).set(percent);
      if (source !== "roll-back") return log.info("feature", { feature: name, percent, source });
      rollBacks.with({ feature: name }).inc();
      log.warn("feature was rolled back: its clients have more errors", { feature: name, on, off });
    },
    counted(feature, group, isError) {
      calls.with({ feature, group, outcome: isError ? "error" : "ok" }).inc();
    },
  });
  for (const { name, percent } of features.list()) {
    share.with({ feature: name }).set(percent);
    rollBacks.with({ feature: name });
  }
  return features;
}
