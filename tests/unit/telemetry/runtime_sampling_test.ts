import assert from "node:assert/strict";
import { startRuntimeSampling } from "../../../lib/telemetry/runtime_sampling.ts";

Deno.test("startRuntimeSampling() observes how late its timer ran until it is disposed", async () => {
  // armed at 0 for 1, sampled at 51 (50 ms late), armed at 51 for 52, sampled at 52 (on time)
  const clock = [0, 51, 51, 52, 52];
  const seen: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const eventLoopDelay = {
    observe(seconds: number) {
      seen.push(seconds);
      if (seen.length === 2) resolve();
    },
  };
  const sampling = startRuntimeSampling({ eventLoopDelay }, {
    intervalMs: 1,
    nowMs: () => clock.shift() ?? 52,
  });
  // the sampler's own timer does not keep the process alive, this one does
  const guard = setTimeout(() => {}, 30_000);
  await promise;
  sampling[Symbol.dispose]();
  clearTimeout(guard);
  assert.deepEqual(seen, [0.05, 0]);
});
