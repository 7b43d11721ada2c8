import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { Latencies } from "../../../lib/bench/latencies.ts";
import type { Plan } from "../../../lib/bench/plan.ts";
import { runPlan } from "../../../lib/bench/run_plan.ts";
import type { Message } from "../../../lib/core/message.ts";
import {
  type Answers,
  echo,
  memoryServers,
  shortPlan,
  UNWATCHED,
} from "../../fixtures/bench_scene.ts";

const never = new AbortController().signal;

async function run(answers: Answers, changes: Partial<Plan> = {}) {
  await using servers = memoryServers(answers);
  return await runPlan(shortPlan(changes), servers.dial, UNWATCHED, never);
}

Deno.test("runPlan() loses nothing against a server that answers", async () => {
  const report = await run((message) => [echo(message)]);
  const { crossed, lost, repeated, late, errors, connected, noncesChecked } = report;
  assert.deepEqual({ crossed, lost, repeated, late, errors, connected, noncesChecked }, {
    ...{ crossed: 0, lost: 0, repeated: 0, late: 0, errors: {}, connected: 3, noncesChecked: true },
  });
  assert.ok(report.answered > 0);
  assert.equal(Latencies.decode(report.connects).count, 3);
});

for (const scenario of ["tools-list", "mixed", "idle-hold", "soak"] as const) {
  Deno.test(`runPlan() runs scenario ${scenario}`, async () => {
    const report = await run((message) => [echo(message)], { scenario });
    assert.deepEqual([report.errors, report.lost, report.crossed], [{}, 0, 0]);
    assert.ok(report.answered > 0);
  });
}

Deno.test("runPlan() makes new connections all the time in scenario connect-storm", async () => {
  const report = await run((message) => [echo(message)], { scenario: "connect-storm" });
  assert.deepEqual([report.errors, report.lost, report.crossed], [{}, 0, 0]);
  assert.ok(Latencies.decode(report.connects).count > 3);
});

Deno.test("runPlan() leaves slow readers out of the latencies", async () => {
  const report = await run((message) => [echo(message)], { scenario: "slow-client" });
  assert.deepEqual([report.errors, report.lost, report.crossed], [{}, 0, 0]);
  assert.ok(report.answered > 0);
  assert.ok(report.slowAnswered < report.answered);
});

Deno.test("runPlan() asks for more than the capacity in scenario overload", async () => {
  const report = await run((message) => [echo(message)], { scenario: "overload", durationMs: 150 });
  assert.ok(report.capacityPerSecond! > 0);
  assert.deepEqual([report.lost, report.crossed, report.repeated], [0, 0, 0]);
});

Deno.test("runPlan() counts crossed answers", async () => {
  let last: Message | undefined;
  const report = await run((message) => {
    const nonceOf = last ?? message;
    last = message;
    return [echo(nonceOf).withId(message.id!)];
  });
  assert.ok(report.crossed > 0);
});

Deno.test("runPlan() counts repeated answers", async () => {
  const report = await run((message) => [echo(message), echo(message)]);
  assert.ok(report.repeated > 0);
  assert.equal(report.lost, 0);
});

Deno.test("runPlan() counts answers that never come", async () => {
  const report = await run((message, index) => index % 10 === 9 ? [] : [echo(message)], {
    callTimeoutMs: 50,
  });
  assert.ok(report.lost > 0);
  assert.equal(report.errors["no answer"] > 0, true);
});

Deno.test("runPlan() counts errors by kind, and connections that break", async () => {
  const { failure } = await import("../../../lib/core/compose.ts");
  const { GatewayError } = await import("../../../lib/core/errors.ts");
  const report = await run((message, index, server) => {
    if (index % 50 === 40) void server.close();
    const error = new GatewayError("Overloaded", "Cannot answer: too much");
    return [index % 2 === 0 ? echo(message) : failure(message.id!, error)];
  }, { durationMs: 200 });
  assert.ok(report.errors["error -31005"] > 0);
  assert.ok(Latencies.decode(report.reconnects).count > 0);
  assert.equal(report.crossed, 0);
});

Deno.test("runPlan() counts from the intended time when the server stalls (coordinated omission)", async () => {
  const held: Message[] = [];
  let isStalled = true;
  const report = await run((message) => {
    held.push(echo(message));
    if (held.length >= 90) isStalled = false;
    return isStalled ? [] : held.splice(0);
  }, { connections: 1, ratePerSecond: 1000, durationMs: 100, warmUpMs: 0 });
  const calls = Latencies.decode(report.calls);
  // One call each ms, and none is answered before the 90th: whoever came k ms earlier has waited for k ms.
  assert.equal(report.lost, 0);
  assert.ok(calls.percentileMs(100) >= calls.count - 12, `${calls.percentileMs(100)}`);
  assert.ok(calls.percentileMs(50) >= calls.count / 2 - 12, `${calls.percentileMs(50)}`);
});

Deno.test("runPlan() waits in scenario fan-out until every connection has heard", async () => {
  await using servers = memoryServers((message) => {
    for (const server of servers.servers) {
      server.send(notification("notifications/tools/list_changed"));
    }
    return [echo(message)];
  });
  const plan = shortPlan({ scenario: "fan-out", connections: 5 });
  const report = await runPlan(plan, servers.dial, UNWATCHED, never);
  assert.ok(report.answered >= 4);
  assert.deepEqual([report.lost, report.errors], [0, {}]);
});

Deno.test("runPlan() ends at once, with what it has, when it is told to", async () => {
  await using servers = memoryServers((message) => [echo(message)]);
  const stop = new AbortController();
  const plan = shortPlan({ durationMs: 600_000 });
  const events = { ...UNWATCHED, second: () => stop.abort() };
  const report = await runPlan(plan, servers.dial, events, stop.signal);
  assert.ok(report.answered > 0);
  assert.equal(report.lost, 0);
});

Deno.test("runPlan() throws when it cannot connect", async () => {
  const dial = () => Promise.reject(new Error("refused by the test"));
  await assert.rejects(runPlan(shortPlan(), dial, UNWATCHED, never), /refused by the test/);
});
