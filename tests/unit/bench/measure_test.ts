import assert from "node:assert/strict";
import { measure } from "../../../lib/bench/measure.ts";
import { runPlan } from "../../../lib/bench/run_plan.ts";
import { echo, memoryServers, shortPlan } from "../../fixtures/bench_scene.ts";

const never = new AbortController().signal;
const WATCHED = {
  serverPids: () => [],
  serverAbsent: "it runs in this test",
  onSecond() {},
  signal: never,
};

Deno.test("measure() divides the work between generators that begin together, and adds it up", async () => {
  await using servers = memoryServers((message) => [echo(message)]);
  const shares: number[][] = [];
  const figures = await measure({
    ...WATCHED,
    plan: shortPlan({ connections: 5 }),
    workers: 2,
    generator(plan, events, signal) {
      shares.push([plan.connections, plan.firstConnection]);
      return runPlan(plan, servers.dial, events, signal);
    },
  });
  assert.deepEqual(shares, [[3, 0], [2, 3]]);
  assert.equal(figures.connections, 5);
  assert.equal(figures.connectMs.count, 5);
  assert.equal(figures.generator.workers, 2);
  assert.deepEqual(figures.server, { absent: "it runs in this test" });
  assert.deepEqual([figures.errors, figures.integrity.crossed], [{}, 0]);
});

Deno.test("measure() ends all generators when one fails", async () => {
  await using servers = memoryServers((message) => [echo(message)]);
  let count = 0;
  const measuring = measure({
    ...WATCHED,
    plan: shortPlan({ durationMs: 600_000 }),
    workers: 2,
    generator: (plan, events, signal) =>
      count++ === 0
        ? runPlan(plan, servers.dial, events, signal)
        : Promise.reject(new Error("failed by the test")),
  });
  await assert.rejects(measuring, /failed by the test/);
});

Deno.test("measure() watches the processes of the server", async () => {
  await using servers = memoryServers((message) => [echo(message)]);
  const { server } = await measure({
    ...WATCHED,
    plan: shortPlan(),
    workers: 1,
    serverPids: () => [Deno.pid],
    generator: (plan, events, signal) => runPlan(plan, servers.dial, events, signal),
  });
  if (Deno.build.os !== "linux") return assert.ok("absent" in server);
  assert.ok(!("absent" in server));
  assert.deepEqual(server.pids, [Deno.pid]);
  assert.ok(server.rssMaxKiB > 10_000);
  assert.ok(server.fdsMax > 3);
});
