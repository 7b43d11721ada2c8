import assert from "node:assert/strict";
import { STRATEGIES, type StrategyName } from "../../../../lib/upstream/balancers/strategies.ts";
import type { Strategy, StrategyOptions } from "../../../../lib/upstream/balancers/strategy.ts";
import { MemberStats } from "../../../../lib/upstream/pool/member_stats.ts";

const ASKED = { message: { method: "tools/call", name: "a" } };
const options = { now: () => 60_000, wallMs: () => 0, random: () => 0.5 };

function members(...figures: Partial<MemberStats>[]) {
  return figures.map((figure, index) => ({
    stats: Object.assign(new MemberStats(index, 0), { lastMs: 60_000, calls: 10 }, figure),
  }));
}

function picks(name: StrategyName, given: ReturnType<typeof members>, count: number): number[] {
  const strategy = (STRATEGIES[name] as (given: StrategyOptions) => Strategy)(options);
  return Array.from({ length: count }, () => strategy.pick(given, ASKED)!.stats.index);
}

Deno.test("roundRobin() takes turns by place, whatever order it is given", () => {
  const given = members({}, {}, {}).reverse();
  assert.deepEqual(picks("roundRobin", given, 7), [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("roundRobin() goes on where it was when a member is missing for a while", () => {
  const strategy = STRATEGIES.roundRobin();
  const [a, b, c] = members({}, {}, {});
  const index = (given: typeof a[]) => strategy.pick(given, ASKED)!.stats.index;
  assert.deepEqual([index([a, b, c]), index([a, c]), index([a, b, c]), index([b, c])], [
    0,
    2,
    0,
    1,
  ]);
});

Deno.test("leastLoaded() takes the fewest pending calls; equals take turns", () => {
  assert.deepEqual(picks("leastLoaded", members({ pending: 2 }, { pending: 1 }), 3), [1, 1, 1]);
  assert.deepEqual(picks("leastLoaded", members({}, {}), 4), [0, 1, 0, 1]);
});

Deno.test("leastLatency() weighs the average with what is pending, and with errors", () => {
  const [quick, slow] = [{ latencyMs: 10 }, { latencyMs: 25 }];
  assert.deepEqual(picks("leastLatency", members(quick, slow), 2), [0, 0]);
  assert.deepEqual(picks("leastLatency", members({ ...quick, pending: 2 }, slow), 2), [1, 1]);
  assert.deepEqual(picks("leastLatency", members({ ...quick, errorRate: 0.8 }, slow), 2), [1, 1]);
});

Deno.test("weightedRoundRobin() gives shares by health", () => {
  const given = members({ latencyMs: 0.001 }, { latencyMs: 50 });
  const counts = picks("weightedRoundRobin", given, 300).filter((index) => index === 0).length;
  assert.ok(counts === 200, `${counts} of 300`); // scores 1 and 0.5
});
