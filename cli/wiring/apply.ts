/**
 * Takes another configuration over while the gateway runs: all that can be, or nothing.
 *
 * @module
 */
import { Message } from "../../lib/core/message.ts";
import {
  appliedConfig,
  type ConfigDifference,
  configDifference,
} from "../../lib/config/difference.ts";
import type { GatewayConfig, LimitsConfig } from "../../lib/config/gateway_config.ts";
import type { SessionRegistry } from "../../lib/session/registry.ts";
import type { Base, State } from "./base.ts";
import { connectionsMaxOf, descriptorsMax } from "../process/descriptor_limit.ts";
import { bind, type Listening, unbind } from "./listening.ts";
import { OperatorKeys } from "./operator_keys.ts";
import type { Served } from "./served.ts";

/** What a configuration has been made into. */
export interface AppliedParts {
  readonly base: Base;
  readonly served: Served;
  readonly listening: Listening;
  readonly sessions: SessionRegistry;
  readonly state: State;
}

/**
 * Applies what is different. One at a time.
 *
 * @returns what was different; what needs a restart is left as it was
 * @throws {TransportError} when an address cannot be bound; then nothing has changed
 */
export async function applyConfig(
  { base, served, listening, sessions, state }: AppliedParts,
  wanted: GatewayConfig,
): Promise<ConfigDifference> {
  const difference = configDifference(base.config, wanted);
  const config = appliedConfig(base.config, wanted, difference);
  const next: Base = { ...base, config };
  const keys = new OperatorKeys(config.admin);
  const bound = await bind(next, difference.opened);
  let exchange: () => Promise<void>;
  try {
    exchange = await served.prepare(next);
  } catch (error) {
    await unbind(bound);
    throw error;
  }
  base.config = config;
  base.log.setThreshold(config.log.level);
  base.log.setLevels(config.log.levels);
  Message.jsonDepthMax = config.limits.jsonDepth;
  base.security.configure(config);
  base.admin?.configure(config, keys);
  base.auth?.configure(config);
  base.connections.limit(await connectionLimitsOf(config.limits));
  sessions.limit({
    sessionsMax: config.limits.sessions,
    sessionsPerAccountMax: config.limits.sessionsPerPrincipal,
    sessionIdleMs: config.limits.sessionIdleMs,
  });
  await exchange();
  if (state.draining) await unbind(bound);
  else listening.serve(bound);
  base.metrics.drains.with({ what: "listener" }).inc(difference.closed.length);
  await listening.close(difference.closed, config.limits.drainMs);
  return difference;
}

/** How many connections may be open. */
export async function connectionLimitsOf({ connections, connectionsPerAddress }: LimitsConfig) {
  return {
    connectionsMax: connections || connectionsMaxOf(await descriptorsMax()),
    connectionsPerAddressMax: connectionsPerAddress,
  };
}
