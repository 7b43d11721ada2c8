/**
 * Each member in its turn.
 *
 * @module
 */
import type { Rated, Strategy } from "./strategy.ts";

/** Goes around by the members' places, so that a member without room loses its turn and nobody else's. */
export function roundRobin(): Strategy {
  let last = -1;
  return {
    pick<M extends Rated>(ready: readonly M[]): M | undefined {
      let next: M | undefined, first: M | undefined;
      for (const member of ready) {
        const { index } = member.stats;
        if (first === undefined || index < first.stats.index) first = member;
        if (index > last && (next === undefined || index < next.stats.index)) next = member;
      }
      const picked = next ?? first;
      if (picked !== undefined) last = picked.stats.index;
      return picked;
    },
  };
}
