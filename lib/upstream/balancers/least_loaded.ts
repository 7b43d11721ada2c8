/**
 * The member with the fewest calls under way.
 *
 * @module
 */
import type { Rated, Strategy } from "./strategy.ts";

/** Among equals they take turns. */
export function leastLoaded(): Strategy {
  let turn = 0;
  return {
    pick<M extends Rated>(ready: readonly M[]): M | undefined {
      let best: M | undefined;
      const start = turn++;
      for (let i = 0; i < ready.length; i++) {
        const member = ready[(start + i) % ready.length];
        if (best === undefined || member.stats.pending < best.stats.pending) best = member;
      }
      return best;
    },
  };
}
