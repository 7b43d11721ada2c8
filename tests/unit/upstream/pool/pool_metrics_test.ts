import assert from "node:assert/strict";
import { Registry } from "../../../../lib/telemetry/metrics.ts";
import type { Logger } from "../../../../lib/telemetry/logger.ts";
import { poolEvents } from "../../../../lib/upstream/pool/pool_metrics.ts";

Deno.test("poolEvents() counts the members of each pool by state, and logs failures", () => {
  const registry = new Registry();
  const lines: unknown[] = [];
  const warn = (text: string, what?: object) => void lines.push({ text, ...what });
  const log = { warn } as Logger;
  const [a, b] = ["a", "b"].map((name) => poolEvents(registry, log, name));
  a.moved(undefined, "starting");
  a.moved("starting", "idle");
  a.moved(undefined, "starting");
  b.moved(undefined, "starting");
  b.moved("starting", undefined);
  a.failed(1, "refused");
  const gauge = registry.gauge({
    name: "sluice_pool_connections",
    help: "Members of a pool by what they do: starting, idle, busy, leaving or failed.",
    labels: ["upstream", "state"],
  });
  const value = (upstream: string, state: string) => gauge.with({ upstream, state }).value;
  assert.deepEqual([value("a", "starting"), value("a", "idle"), value("b", "starting")], [1, 1, 0]);
  assert.deepEqual(lines, [{
    text: "pool member failed",
    upstream: "a",
    index: 1,
    reason: "refused",
  }]);
});
