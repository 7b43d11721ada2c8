/**
 * How an upstream is reached: over which endpoints, behind which breakers, and what happens to calls that
 * were lost on the way.
 *
 * @module
 */
import { request } from "../../lib/core/compose.ts";
import type { CircuitState } from "../../lib/core/circuit.ts";
import { reasonOf } from "../../lib/core/errors.ts";
import type { Policy } from "../../lib/core/handler.ts";
import { tlsFailureOf } from "../../lib/core/tls_failure.ts";
import type { Upstream } from "../../lib/core/upstream.ts";
import { redactUrl } from "../../lib/config/endpoints.ts";
import type { EndpointConfig, UpstreamConfig } from "../../lib/config/gateway_config.ts";
import { discoverRequest } from "../../lib/era/discovery.ts";
import { NOBODY } from "../../lib/era/negotiation.ts";
import { CallSafety, learning } from "../../lib/policy/call_safety.ts";
import { type CircuitBreaker, upstreamBreaker } from "../../lib/policy/circuit_breaker.ts";
import { guarded, refuseWhile } from "../../lib/policy/guarded.ts";
import { hedgeSafe } from "../../lib/policy/hedge.ts";
import { retrySafe } from "../../lib/policy/retry.ts";
import type { Dial } from "../../lib/upstream/client.ts";
import { Endpoint } from "../../lib/upstream/endpoint.ts";
import { EndpointSet } from "../../lib/upstream/endpoints.ts";
import { checkHealth } from "../../lib/upstream/health_check.ts";
import { HealthRounds } from "../../lib/upstream/health_rounds.ts";
import type { MemberCircuit } from "../../lib/upstream/pool/pool_options.ts";
import { prioritiesOf } from "../../lib/upstream/selection.ts";
import { authorizedEndpoint } from "./authorization.ts";
import type { Base } from "./base.ts";
import { dialer } from "./dialers.ts";
import { failoverEvents } from "./instrument.ts";
import { callLimit } from "./supervision.ts";
import { clientTracing, sendTracing } from "./tracing.ts";

/** The way to one upstream. */
export interface Reach {
  /** How it is dialled; in a pool, for one place: each has a breaker of its own. */
  readonly wayFor: (place: number) => Way;
  /** Which calls can do no harm when they are sent twice. */
  readonly safety: CallSafety;
  /** What stands in front of the upstream that is reached this way, outermost first. */
  readonly policies: readonly Policy[];
  /** Whether any endpoint may be tried. */
  readonly isOpen: () => boolean;
}

/** How somebody dials. */
interface Way {
  readonly dial: Dial;
  /** Of a place of a pool alone; `undefined` where endpoints, with their breakers, are for all. */
  readonly circuit?: MemberCircuit;
}

/** Makes the way to an upstream; what looks after it is owned by the gateway. */
export async function reach(base: Base, config: UpstreamConfig): Promise<Reach> {
  const { name, endpoints: ways, pool } = config;
  const events = failoverEvents(base.metrics, base.log.child("failover"), name);
  const isByPlace = pool !== undefined && ways.length === 1;
  const common = isByPlace ? undefined : await commonWay(base, config, events);
  const byPlace = isByPlace ? await waysByPlace(base, config, events) : undefined;
  const safety = new CallSafety();
  const policies = [
    ...common === undefined ? [] : [refuseWhile(() => common.refusal())],
    learning(safety),
    base.features.policy(
      "retries",
      retrySafe({ safety, hasOthers: ways.length > 1, onRetry: events.retried }),
    ),
    ...config.hedgeMs === undefined ? [] : [base.features.policy(
      "hedging",
      hedgeSafe({ safety, hedgeMs: config.hedgeMs, onHedge: events.hedged }),
    )],
    ...callLimit(base, config),
    ...clientTracing(base, config),
  ];
  return {
    wayFor: byPlace ?? (() => common!),
    safety,
    policies,
    isOpen: () => common?.refusal() === undefined,
  };
}

type Events = ReturnType<typeof failoverEvents>;

/** Endpoints, one after the other, for everybody who dials. */
async function commonWay(
  base: Base,
  config: UpstreamConfig,
  events: Events,
): Promise<EndpointSet> {
  const { name, endpoints: ways } = config;
  const priorities = prioritiesOf(ways.map(({ priority }) => priority));
  const endpoints: Endpoint[] = [];
  for (const [index, way] of ways.entries()) {
    const series = ways.length === 1 ? name : `${name}#${index + 1}`;
    const make = await endpointMaker(base, config, way, priorities[index]);
    endpoints.push(make(events.circuit(series)));
  }
  const set = owned(base, new EndpointSet(name, endpoints, base.config.failover, events));
  if (endpoints.length > 1) {
    const question = config.era === "modern" ? discoverRequest(NOBODY) : request(1, "ping");
    base.owned.push(
      new HealthRounds(
        set,
        endpoints,
        (endpoint, signal) => checkHealth(endpoint.dial, question, signal),
        base.config.failover,
        events.withHealth(endpoints),
      ),
    );
  }
  return set;
}

/** One endpoint, and each place of a pool left alone by itself. The series tells how the best of them does. */
async function waysByPlace(
  base: Base,
  config: UpstreamConfig,
  events: Events,
): Promise<(place: number) => Way> {
  const { name, endpoints: [way] } = config;
  const make = await endpointMaker(base, config, way, 1);
  const note = bestState(events.circuit(name));
  const ways = new Map<number, Way>();
  return (place) => {
    let there = ways.get(place);
    if (there === undefined) {
      const endpoint = make((state) => note(place, state));
      const set = owned(base, new EndpointSet(name, [endpoint], base.config.failover, events));
      ways.set(place, there = { dial: set.dial, circuit: endpoint.circuit });
    }
    return there;
  };
}

/** Tells the best state of several circuits whenever it changes. */
function bestState(tell: (state: CircuitState) => void) {
  const states = new Map<number, CircuitState>();
  let best: CircuitState = "closed";
  return (place: number, state: CircuitState) => {
    states.set(place, state);
    const all = [...states.values()];
    const now = (["closed", "halfOpen"] as const).find((one) => all.includes(one)) ?? "open";
    if (now !== best) tell(best = now);
  };
}

function owned(base: Base, set: EndpointSet): EndpointSet {
  base.owned.push({ [Symbol.asyncDispose]: () => Promise.resolve(set[Symbol.dispose]()) });
  return set;
}

/** An upstream behind the policies of the way to it. */
export function behind({ policies, isOpen }: Reach, upstream: Upstream): Upstream {
  return guarded(upstream, policies, isOpen);
}

/** A server with one endpoint is tried again soon: there is nothing else to go to meanwhile, ms. */
const LONE_OPEN_MS_MAX = 2_000;

async function endpointMaker(
  base: Base,
  config: UpstreamConfig,
  way: EndpointConfig,
  priority: number,
): Promise<(onState: (state: CircuitState) => void) => Endpoint> {
  const { name, breaker, endpoints } = config;
  const endpoint = await authorizedEndpoint(base, config, way.endpoint);
  const transport = await dialer(base, endpoint, name);
  const { command, url } = endpoint;
  const isLone = endpoints.length === 1;
  const openMs = isLone ? Math.min(breaker.openMs, LONE_OPEN_MS_MAX) : breaker.openMs;
  const dial = sendTracing(base, endpoint, (signal) => transport.dial(endpoint, signal));
  return (onState) => {
    const circuit = upstreamBreaker({ ...breaker, openMs }, onState);
    return new Endpoint({
      label: command === undefined ? redactUrl(url.href) : command.program,
      priority,
      dial: guardedDial(base, config, circuit, dial),
      circuit,
      isCostly: command !== undefined,
      windowMs: base.config.failover.windowMs,
    });
  };
}

/** Reports what goes wrong with TLS; too much of that, or of what the server says, opens the circuit. */
function guardedDial(
  { security }: Base,
  { name, breaker }: UpstreamConfig,
  circuit: CircuitBreaker,
  dial: Dial,
): Dial {
  const watched = security.breaks.watch(name, breaker, () => circuit.open());
  return async (signal) => {
    try {
      const connection = await dial(signal);
      watched.connected();
      return connection;
    } catch (error) {
      const type = tlsFailureOf(error);
      if (type !== undefined) {
        security.report({ type, upstream: name, detail: reasonOf(error) });
        watched.failed();
      }
      throw error;
    }
  };
}
