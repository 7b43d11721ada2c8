import assert from "node:assert/strict";
import { AFFINITIES, pool, POOL_STRATEGIES } from "../../../lib/config/pool_schema.ts";
import { resolveUpstream } from "../../../lib/config/upstream_entry.ts";
import { STRATEGIES } from "../../../lib/upstream/balancers/strategies.ts";
import type { Affinity } from "../../../lib/upstream/pool/pool_options.ts";

Deno.test("the configuration knows the strategies that there are", () => {
  assert.deepEqual([...POOL_STRATEGIES].sort(), Object.keys(STRATEGIES).sort());
  const affinities: readonly Affinity[] = AFFINITIES;
  assert.equal(affinities.length, 2);
});

Deno.test("a pool has defaults for everything", () => {
  assert.deepEqual(pool.parse({}), {
    min: 1,
    max: 10,
    strategy: "leastLoaded",
    affinity: "state",
    checkoutMs: 5000,
    idleMs: 300_000,
    queue: 1000,
  });
});

Deno.test("a pool cannot have a min above its max", () => {
  const { error } = pool.safeParse({ min: 3, max: 2 });
  assert.match(error!.message, /has a min of 3 above its max of 2/);
});

Deno.test("resolveUpstream() has members take any number of calls unless it is limited", () => {
  const resolve = (settings: object | undefined) =>
    resolveUpstream(
      {
        name: "a",
        command: "a",
        pool: settings && pool.parse(settings),
        place: () => undefined,
      },
      {},
      {},
    ).pool?.callsPerMember;
  assert.equal(resolve(undefined), undefined);
  assert.equal(resolve({}), Infinity);
  assert.equal(resolve({ callsPerMember: 1 }), 1);
});
