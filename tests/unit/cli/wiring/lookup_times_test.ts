import assert from "node:assert/strict";
import { timedLookups } from "../../../../cli/wiring/lookup_times.ts";
import type { Call, Policy } from "../../../../lib/core/handler.ts";
import { gatewayMetrics } from "../../../../lib/telemetry/gateway_metrics.ts";
import { Registry } from "../../../../lib/telemetry/metrics.ts";

const ONE_IN = 64;

Deno.test("timedLookups() times one in 64 calls that were answered from a cache, by what was looked up", async () => {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  const counted: string[] = [];
  const times = timedLookups(metrics, (tier, outcome) => counted.push(`${tier} ${outcome}`));
  let tier: "l1" | "l2" | undefined = "l1";
  const cache: Policy = (next) => (call) => {
    if (tier === undefined) return next(call);
    times.count(tier, "hit");
    return Promise.resolve(undefined);
  };
  const handle = times.timed(cache)(() => Promise.resolve(undefined));
  const ask = async (method: string) => {
    for (let i = 0; i < ONE_IN; i++) await handle({ message: { method } } as unknown as Call);
  };
  await ask("tools/list");
  await ask("resources/read");
  await ask("prompts/list");
  tier = "l2";
  await ask("tools/list");
  tier = undefined;
  await ask("tools/list");
  const seen = metrics.lookups.children().map(({ labelValues, counts }) => [
    labelValues[0],
    counts.reduce((sum, count) => sum + count, 0),
  ]);
  assert.deepEqual(seen, [
    ["tool_schema", 1],
    ["resource_read", 1],
    ["static_metadata", 1],
    ["shared_memory", 1],
  ]);
  assert.equal(counted.length, 4 * ONE_IN, "each hit is counted, whether timed or not");
});
