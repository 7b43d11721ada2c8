/**
 * What is found out about the gateway as a whole: figures that are kept elsewhere, and the watch that looks at
 * all of them.
 *
 * @module
 */
import { PROCESS_BUFFERS } from "../../lib/core/buffer_budget.ts";
import { compressedTotals } from "../../lib/framing/compression/process_totals.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import {
  ServiceWatch,
  type ServiceWatchSettings,
} from "../../lib/telemetry/watch/service_watch.ts";
import type { Base, State } from "./base.ts";

/** Begins to look; ends with the gateway. */
export function observe(base: Base, state: State): void {
  const { registry, metrics, connections, wire } = base;
  // Who looks for a rise has to have seen them at 0.
  for (const outcome of ["ok", "refused", "unchanged"]) metrics.configReloads.with({ outcome });
  registry.onCollect(() => {
    metrics.draining.set(state.draining ? 1 : 0);
    metrics.connectionsMax.set(connections.max);
    metrics.bufferBytes.set(PROCESS_BUFFERS.usedBytes);
    metrics.bufferBytesMax.set(PROCESS_BUFFERS.bytesMax);
    for (const [encoding, { plainBytes, wireBytes }] of compressedTotals()) {
      metrics.compressed.with({ encoding, stage: "message" }).raiseTo(plainBytes);
      metrics.compressed.with({ encoding, stage: "wire" }).raiseTo(wireBytes);
    }
    for (const [transport, totals] of wire?.totals() ?? []) {
      const of = (direction: "in" | "out") =>
        metrics.bytes.with({ transport, direction, stage: "wire" }).raiseTo(totals[direction]);
      of("in");
      of("out");
    }
  });
  const watch = new ServiceWatch({
    ...{ metrics, registry, settings: settingsOf(base.config) },
    log: base.log.child("watch"),
    connectionShare: () => connections.open / connections.max,
    securityEvents: () => base.security.recent(),
  });
  watch.start();
  base.watch = watch;
  base.overview = () => base.worker?.overview() ?? Promise.resolve(watch.snapshot());
  base.owned.push({ [Symbol.asyncDispose]: () => Promise.resolve(watch[Symbol.dispose]()) });
}

function settingsOf({ capacity, anomalies, objectives }: GatewayConfig): ServiceWatchSettings {
  return { capacity, networkBitsPerS: capacity.networkBitsPerS, anomalies, objectives };
}
