/**
 * What everything that is wired together shares.
 *
 * @module
 */
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { ConnectionLimits } from "../../transports/guard/connection_limits.ts";

/** The parts of one gateway that its listeners and dialers need. */
export interface Base {
  /** As it runs; exchanged whole. */
  config: GatewayConfig;
  readonly log: RootLogger;
  readonly registry: Registry;
  readonly metrics: GatewayMetrics;
  /** Of all listeners together. */
  readonly connections: ConnectionLimits;
  /** Disposed last, in reverse order. */
  readonly owned: AsyncDisposable[];
}

/** What the gateway tells about itself while it runs. */
export interface State {
  readonly draining: boolean;
  sessions(): number;
}

/**
 * A base for parts that end before the gateway does, with what they are made for.
 *
 * @returns the base, and what ends everything that was owned by it
 */
export function partOf(base: Base): { base: Base; owned: AsyncDisposable } {
  const parts: AsyncDisposable[] = [];
  let ended: Promise<void> | undefined;
  const end = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
    base.owned.splice(base.owned.indexOf(owned), 1);
  };
  const owned = { [Symbol.asyncDispose]: () => ended ??= end() };
  base.owned.push(owned);
  return { base: { ...base, owned: parts }, owned };
}
