/**
 * What a load generator is asked to do. Plans are plain data: they cross to worker processes as JSON.
 *
 * @module
 */
import type { Connection } from "../core/connection.ts";
import type { Era } from "../core/eras.ts";

/** Every scenario, with what it does. */
export const SCENARIOS = {
  "echo": "calls one tool, again and again",
  "tools-list": "asks for the list of tools",
  "mixed": "seven echo calls, two tools/list and one ping or server/discover of ten",
  "connect-storm": "connects, asks once, disconnects, on every connection",
  "idle-hold": "holds connections open without work, then asks once on each",
  "fan-out": "calls a tool that notifies every client, and waits until all have heard",
  "slow-client": "echo, while every tenth connection reads one batch each 50 ms",
  "soak": "echo for a long time; how memory and descriptors of the server grow",
  "variable": "open loop whose rate ramps up, comes in waves and drops",
  "overload": "finds the capacity in a closed loop, then asks for twice of it",
} as const;

/** Name of a scenario. */
export type Scenario = keyof typeof SCENARIOS;

/** The work of one generator. */
export interface Plan {
  readonly scenario: Scenario;
  readonly era: Era;
  readonly connections: number;
  /** Calls under way at once on each connection; not used in an open loop. */
  readonly inflight: number;
  /** Calls per second of all connections together: an open loop. A closed one where it is left out. */
  readonly ratePerSecond?: number;
  /** Measured time, ms; the warm-up comes before it. */
  readonly durationMs: number;
  readonly warmUpMs: number;
  /** A call without an answer for so long is lost, ms. */
  readonly callTimeoutMs: number;
  readonly tool: string;
  /** Arguments of the tool as JSON text; `{nonce}` in it becomes the nonce of the call. */
  readonly toolArguments: string;
  /** Number of the first connection: no two connections of a run have the same. */
  readonly firstConnection: number;
}

/** Opens one connection to the server under test. */
export type Dial = (signal: AbortSignal) => Promise<Connection>;

/** Arguments of the tool unless others are given: with them a legacy call takes 150 bytes. */
export const TOOL_ARGUMENTS = `{"message":"{nonce}${"x".repeat(27)}"}`;

/**
 * Divides a plan between generators: connections and rate evenly, at least one connection each.
 *
 * @param workers generators that are wanted; no more than there are connections are used
 */
export function shares(plan: Plan, workers: number): Plan[] {
  const count = Math.max(1, Math.min(workers, plan.connections));
  const plans: Plan[] = [];
  let firstConnection = plan.firstConnection;
  for (let index = 0; index < count; index++) {
    const rest = index < plan.connections % count ? 1 : 0;
    const connections = Math.floor(plan.connections / count) + rest;
    const share = connections / plan.connections;
    plans.push({
      ...plan,
      connections,
      firstConnection,
      ...plan.ratePerSecond === undefined ? {} : { ratePerSecond: plan.ratePerSecond * share },
    });
    firstConnection += connections;
  }
  return plans;
}
