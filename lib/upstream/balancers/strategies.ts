/**
 * The strategies by the names of the configuration.
 *
 * @module
 */
import { adaptive } from "./adaptive.ts";
import { leastLatency } from "./least_latency.ts";
import { leastLoaded } from "./least_loaded.ts";
import { roundRobin } from "./round_robin.ts";
import type { Strategy, StrategyOptions } from "./strategy.ts";
import { weightedRoundRobin } from "./weighted_round_robin.ts";

/** Makers of strategies. */
export const STRATEGIES = {
  roundRobin,
  leastLoaded,
  leastLatency,
  weightedRoundRobin,
  adaptive,
} as const satisfies Record<string, (options: StrategyOptions) => Strategy>;

/** Name of a strategy. */
export type StrategyName = keyof typeof STRATEGIES;
