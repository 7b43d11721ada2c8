/**
 * The health of a gateway in counts that anybody may read.
 *
 * @module
 */
import type { Overview } from "../telemetry/overview.ts";

/** What `/health` says. */
interface Health {
  readonly status: string;
}

/** Names of servers are left out: who stands behind a gateway is nobody's business. */
export function gatewayHealth(health: Health, overview: Overview) {
  const { breakers, capacity, connections, objectives } = overview;
  const circuits = { closed: 0, halfOpen: 0, open: 0 };
  for (const { state } of breakers) circuits[state]++;
  const short = capacity.filter(({ isOver }) => isOver).map(({ resource }) => resource);
  const missed = objectives.filter(({ compliance, target }) => compliance < target)
    .map(({ objective }) => objective);
  const isDegraded = circuits.open > 0 || short.length > 0;
  return {
    ...health,
    status: health.status === "ok" && isDegraded ? "degraded" : health.status,
    connections: connections.total,
    circuits,
    shortOf: short,
    objectivesMissed: missed,
  };
}
