/**
 * Members in turn, the healthier ones more often: the smooth weighted round robin of nginx, weighted by the
 * health score.
 *
 * @module
 */
import { healthScore } from "../pool/health_score.ts";
import type { MemberStats } from "../pool/member_stats.ts";
import type { Rated, Strategy, StrategyOptions } from "./strategy.ts";

/** Weight of the worst member: it is still tried, or nobody would learn that it is well again. */
const WEIGHT_MIN = 0.02;

/** See the module. */
export function weightedRoundRobin({ now }: Pick<StrategyOptions, "now">): Strategy {
  /** By place: how long it has waited for its turn, in weights. */
  const credits: number[] = [];
  return {
    pick<M extends Rated>(ready: readonly M[]): M | undefined {
      let best: M | undefined, total = 0;
      const nowMs = now();
      for (const member of ready) {
        const weight = weightOf(member.stats, nowMs);
        const { index } = member.stats;
        total += weight;
        credits[index] = (credits[index] ?? 0) + weight;
        if (best === undefined || credits[index] > credits[best.stats.index]) best = member;
      }
      if (best !== undefined) credits[best.stats.index] -= total;
      return best;
    },
  };
}

function weightOf(stats: MemberStats, nowMs: number): number {
  const ageMs = nowMs - stats.sinceMs;
  return Math.max(WEIGHT_MIN, healthScore(stats.latencyMs * 1000, stats.errorRate, ageMs));
}
