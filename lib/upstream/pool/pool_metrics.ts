/**
 * The series and log lines of pools.
 *
 * @module
 */
import type { Logger } from "../../telemetry/logger.ts";
import type { GaugeChild } from "../../telemetry/gauge.ts";
import type { Registry } from "../../telemetry/metrics.ts";
import type { MemberState, PoolEvents } from "./pool_options.ts";

/** Reports of one pool; pools of the same registry share the series. */
export function poolEvents(registry: Registry, log: Logger, upstream: string): PoolEvents {
  const gauge = registry.gauge({
    name: "sluice_pool_connections",
    help: "Members of a pool by what they do: starting, idle, busy, leaving or failed.",
    labels: ["upstream", "state"],
  });
  const series = (state: MemberState) => gauge.with({ upstream, state });
  const children: Readonly<Record<MemberState, GaugeChild>> = {
    starting: series("starting"),
    idle: series("idle"),
    busy: series("busy"),
    leaving: series("leaving"),
    failed: series("failed"),
  };
  return {
    moved(from, to) {
      if (from !== undefined) children[from].dec();
      if (to !== undefined) children[to].inc();
    },
    failed(index, reason) {
      log.warn("pool member failed", { upstream, index, reason });
    },
  };
}
