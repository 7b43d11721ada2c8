/**
 * How long kept answers take to be found. The clock costs as much as a lookup, so one in 64 is timed: 15 ns for each.
 *
 * @module
 */
import type { Call, Policy } from "../../lib/core/handler.ts";
import { monotonicMs } from "../../lib/core/clock.ts";
import type { CacheOutcome, Tier } from "../../lib/cache/response_cache.ts";
import type { LookupTarget } from "../../lib/telemetry/flow_metrics.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";

type Count = (tier: Tier, outcome: CacheOutcome) => void;

/** A power of two. */
const ONE_IN = 64;

/**
 * Times a cache from outside: a hit is counted before its handler returns, so who looks after it has returned
 * knows whether there was one.
 *
 * @param count counts, besides
 */
export function timedLookups(
  { lookups }: Pick<GatewayMetrics, "lookups">,
  count: Count,
): { count: Count; timed(policy: Policy): Policy } {
  const series = new Map<LookupTarget, { observe(seconds: number): void }>();
  let calls = 0;
  let hit: Tier | undefined;
  const observe = (target: LookupTarget, seconds: number) => {
    let one = series.get(target);
    if (one === undefined) series.set(target, one = lookups.with({ target }));
    one.observe(seconds);
  };
  return {
    count(tier, outcome) {
      if (outcome === "hit") hit = tier;
      count(tier, outcome);
    },
    timed: (policy) => (next) => {
      const handle = policy(next);
      return (call: Call) => {
        if ((++calls & (ONE_IN - 1)) !== 0) return handle(call);
        hit = undefined;
        const startMs = monotonicMs();
        const answer = handle(call);
        if (hit !== undefined) observe(targetOf(hit, call), (monotonicMs() - startMs) / 1000);
        return answer;
      };
    },
  };
}

function targetOf(tier: Tier, { message: { method } }: Call): LookupTarget {
  if (tier === "l2") return "shared_memory";
  if (method === "resources/read") return "resource_read";
  return method === "tools/list" ? "tool_schema" : "static_metadata";
}
