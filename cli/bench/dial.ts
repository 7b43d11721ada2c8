/**
 * How `sluice bench` reaches a server: by the dialers of the gateway, with nothing else of it.
 *
 * @module
 */
import { Clients } from "../../lib/admin/clients.ts";
import { Features } from "../../lib/admin/features.ts";
import type { Connection, Endpoint } from "../../lib/core/connection.ts";
import { dialLeanHttp } from "../../lib/bench/lean_http.ts";
import type { Scenario } from "../../lib/bench/plan.ts";
import { resolveConfig } from "../../lib/config/load.ts";
import { gatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import { createLogger } from "../../lib/telemetry/logger.ts";
import { Registry } from "../../lib/telemetry/metrics.ts";
import { ConnectionLimits } from "../../transports/guard/connection_limits.ts";
import type { Base } from "../wiring/base.ts";
import { dialer } from "../wiring/dialers.ts";
import { createSecurity } from "../wiring/security.ts";

/** Here streams of the server count, or how fast they are read. */
const WHOLE_CLIENT: readonly Scenario[] = ["fan-out", "idle-hold", "slow-client"];

/** Opens connections to one server. Dispose it after them. */
export interface BenchDialer extends AsyncDisposable {
  dial(signal: AbortSignal): Promise<Connection>;
}

/**
 * Makes the way to a server. What the server says on stderr is not shown.
 *
 * @param scenario over `http://` most are driven by a client that does less than the gateway's own
 */
export async function benchDialer(endpoint: Endpoint, scenario: Scenario): Promise<BenchDialer> {
  if (endpoint.url.protocol === "http:" && !WHOLE_CLIENT.includes(scenario)) {
    return {
      dial: (signal) => dialLeanHttp(endpoint, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  const log = createLogger({ threshold: "error", dropped: metrics.logDropped });
  const config = await resolveConfig(undefined, {}, {});
  const base: Base = {
    config,
    security: await createSecurity(config, metrics, registry, log),
    log,
    registry,
    metrics,
    connections: new ConnectionLimits({ connectionsMax: 1, connectionsPerAddressMax: 1 }),
    features: new Features({}),
    clients: new Clients(),
    owned: [],
  };
  const transport = await dialer(base, endpoint, "bench");
  return {
    dial: (signal) => transport.dial(endpoint, signal),
    async [Symbol.asyncDispose]() {
      for (const part of base.owned.toReversed()) await part[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}
