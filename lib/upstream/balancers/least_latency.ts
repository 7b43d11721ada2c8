/**
 * The member whose moving average promises the earliest answer: average times the calls ahead of it. The
 * average of a member that hears nothing for a while fades, so that it is tried again (the "peak EWMA" balancer of
 * Finagle has the same two ideas).
 *
 * @module
 */
import type { MemberStats } from "../pool/member_stats.ts";
import type { Rated, Strategy, StrategyOptions } from "./strategy.ts";

/** A member that answers nothing for so long is believed 1/e of its average, ms. */
const FADE_MS = 10_000;

/** See the module. */
export function leastLatency({ now }: Pick<StrategyOptions, "now">): Strategy {
  let turn = 0;
  return {
    pick<M extends Rated>(ready: readonly M[]): M | undefined {
      let best: M | undefined, bestMs = Infinity;
      const start = turn++, nowMs = now();
      for (let i = 0; i < ready.length; i++) {
        const member = ready[(start + i) % ready.length];
        const ms = expectedMs(member.stats, nowMs);
        if (best === undefined || ms < bestMs) [best, bestMs] = [member, ms];
      }
      return best;
    },
  };
}

/** Members that never answered are tried with one call each, and then left alone until it has ended, or for long. */
function expectedMs(stats: MemberStats, nowMs: number): number {
  const { latencyMs, pending, errorRate, lastMs, calls } = stats;
  if (latencyMs === 0) {
    const isTriedNow = pending > 0 || (calls > 0 && nowMs - lastMs < FADE_MS);
    return isTriedNow ? Infinity : 0;
  }
  const faded = latencyMs * Math.exp((lastMs - nowMs) / FADE_MS);
  return faded * (pending + 1) / Math.max(0.01, 1 - errorRate);
}
