/**
 * How an upstream is reached: over which endpoints, behind which breakers, and what happens to calls that
 * were lost on the way.
 *
 * @module
 */
import { request } from "../../lib/core/compose.ts";
import type { Policy } from "../../lib/core/handler.ts";
import type { Upstream } from "../../lib/core/upstream.ts";
import { redactUrl } from "../../lib/config/endpoints.ts";
import type { EndpointConfig, UpstreamConfig } from "../../lib/config/gateway_config.ts";
import { discoverRequest } from "../../lib/era/discovery.ts";
import { NOBODY } from "../../lib/era/negotiation.ts";
import { CallSafety, learning } from "../../lib/policy/call_safety.ts";
import { upstreamBreaker } from "../../lib/policy/circuit_breaker.ts";
import { guarded, refuseWhile } from "../../lib/policy/guarded.ts";
import { hedgeSafe } from "../../lib/policy/hedge.ts";
import { retrySafe } from "../../lib/policy/retry.ts";
import type { Dial } from "../../lib/upstream/client.ts";
import { Endpoint } from "../../lib/upstream/endpoint.ts";
import { EndpointSet } from "../../lib/upstream/endpoints.ts";
import { checkHealth } from "../../lib/upstream/health_check.ts";
import { HealthRounds } from "../../lib/upstream/health_rounds.ts";
import { prioritiesOf } from "../../lib/upstream/selection.ts";
import type { Base } from "./base.ts";
import { dialer } from "./dialers.ts";
import { failoverEvents } from "./instrument.ts";
import { callLimit } from "./supervision.ts";

/** The way to one upstream. */
export interface Reach {
  readonly dial: Dial;
  /** Which calls can do no harm when they are sent twice. */
  readonly safety: CallSafety;
  /** What stands in front of the upstream that is reached this way, outermost first. */
  readonly policies: readonly Policy[];
  /** Whether any endpoint may be tried. */
  readonly isOpen: () => boolean;
}

/** Makes the way to an upstream; what looks after it is owned by the gateway. */
export async function reach(base: Base, config: UpstreamConfig): Promise<Reach> {
  const { name, endpoints: ways } = config;
  const events = failoverEvents(base.metrics, base.log.child("failover"), name);
  const priorities = prioritiesOf(ways.map(({ priority }) => priority));
  const endpoints: Endpoint[] = [];
  for (const [index, way] of ways.entries()) {
    const series = ways.length === 1 ? name : `${name}#${index + 1}`;
    endpoints.push(await endpointOf(base, config, way, priorities[index], events.circuit(series)));
  }
  const set = new EndpointSet(name, endpoints, base.config.failover, events);
  base.owned.push({ [Symbol.asyncDispose]: () => Promise.resolve(set[Symbol.dispose]()) });
  if (endpoints.length > 1) {
    const question = config.era === "modern" ? discoverRequest(NOBODY) : request(1, "ping");
    base.owned.push(
      new HealthRounds(
        set,
        endpoints,
        (endpoint, signal) => checkHealth(endpoint.dial, question, signal),
        base.config.failover,
        events,
      ),
    );
  }
  const safety = new CallSafety();
  const policies = [
    refuseWhile(() => set.refusal()),
    learning(safety),
    retrySafe({ safety, hasOthers: endpoints.length > 1, onRetry: events.retried }),
    ...config.hedgeMs === undefined
      ? []
      : [hedgeSafe({ safety, hedgeMs: config.hedgeMs, onHedge: events.hedged })],
    ...callLimit(base, config),
  ];
  return { dial: set.dial, safety, policies, isOpen: () => set.refusal() === undefined };
}

/** An upstream behind the policies of the way to it. */
export function behind({ policies, isOpen }: Reach, upstream: Upstream): Upstream {
  return guarded(upstream, policies, isOpen);
}

/** A server with one endpoint is tried again soon: there is nothing else to go to meanwhile, ms. */
const LONE_OPEN_MS_MAX = 2_000;

async function endpointOf(
  base: Base,
  { name, breaker, endpoints }: UpstreamConfig,
  { endpoint }: EndpointConfig,
  priority: number,
  onState: (state: "closed" | "open" | "halfOpen") => void,
): Promise<Endpoint> {
  const transport = await dialer(base, endpoint, name);
  const { command, url } = endpoint;
  const isLone = endpoints.length === 1;
  const openMs = isLone ? Math.min(breaker.openMs, LONE_OPEN_MS_MAX) : breaker.openMs;
  return new Endpoint({
    label: command === undefined ? redactUrl(url.href) : command.program,
    priority,
    dial: (signal) => transport.dial(endpoint, signal),
    circuit: upstreamBreaker({ ...breaker, openMs }, onState),
    isCostly: command !== undefined,
    windowMs: base.config.failover.windowMs,
  });
}
