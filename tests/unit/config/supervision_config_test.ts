import assert from "node:assert/strict";
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import { report } from "../../../cli/check.ts";
import { faultOf, resolve } from "./faults.ts";

Deno.test("resolveConfig() supervises every server by default, limits none, and never serves less", async () => {
  const { restarts, healing, degraded, upstreams } = await resolve(undefined, {
    command: ["node", "x"],
  });
  assert.deepEqual(restarts, DEFAULTS.restarts);
  assert.deepEqual(healing, DEFAULTS.healing);
  assert.equal(degraded.enabled, false);
  assert.equal(upstreams[0].calls, undefined);
});

Deno.test("resolveConfig() takes limits of calls, restarts, healing and degraded mode; check tells them", async () => {
  const config = await resolve(
    {
      sluice: {
        upstreams: { a: { command: "node", calls: { max: 4 } } },
        restarts: { max: 2 },
        degraded: { enabled: true, methods: ["tools/call"] },
      },
    },
    {},
    { SLUICE_HEALING_TIMEOUTS: "0", SLUICE_DEGRADED_ERROR_RATE: "0.25" },
  );
  assert.deepEqual(config.upstreams[0].calls, { max: 4, queue: 1000, queueMs: 5000 });
  assert.deepEqual([config.restarts.max, config.healing.timeouts], [2, 0]);
  const { enabled, methods, errorRate } = config.degraded;
  assert.deepEqual([enabled, methods, errorRate], [true, ["tools/call"], 0.25]);
  const lines = report(config).split("\n").map((line) => line.trim());
  for (
    const line of [
      "calls max 4, queue 1000, queueMs 5000",
      "restarts.max = 2 (default 200)",
      "healing.timeouts = 0 (default 3)",
      "degraded.enabled = true (default false)",
    ]
  ) assert.ok(lines.includes(line), `${line} is not in\n${lines.join("\n")}`);
});

Deno.test("resolveConfig() says what is wrong with a limit of calls", async () => {
  const fault = await faultOf({ sluice: { upstreams: { a: { command: "x", calls: {} } } } });
  assert.match(String(fault), /sluice\.upstreams\.a\.calls\.max/);
});
