/**
 * What everything that is wired together shares.
 *
 * @module
 */
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import type { GatewayMetrics } from "../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../lib/telemetry/logger.ts";
import type { Registry } from "../lib/telemetry/metrics.ts";
import type { ConnectionLimits } from "../transports/guard/connection_limits.ts";

/** The parts of one gateway that its listeners and dialers need. */
export interface Base {
  readonly config: GatewayConfig;
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
