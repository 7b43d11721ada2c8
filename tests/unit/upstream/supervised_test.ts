import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { GatewayError } from "../../../lib/core/errors.ts";
import { LateReceiver } from "../../../lib/core/late_receiver.ts";
import { upstreamBreaker } from "../../../lib/policy/circuit_breaker.ts";
import { result } from "../../../lib/core/compose.ts";
import { UpstreamClient } from "../../../lib/upstream/client.ts";
import { Endpoint } from "../../../lib/upstream/endpoint.ts";
import { EndpointSet } from "../../../lib/upstream/endpoints.ts";
import { RestartIntensity } from "../../../lib/upstream/restart_intensity.ts";
import { supervised } from "../../../lib/upstream/supervised.ts";
import { memoryPair } from "../../../transports/memory.ts";
import { Peer } from "../../fixtures/memory_gateway.ts";
import { callOf } from "../policy/calls.ts";

const BREAKER = { failures: 100, errorRate: 1, windowMs: 10_000, openMs: 5000, successes: 1 };
const RESTARTS = { max: 100, windowMs: 60_000, coolDownMs: 100, coolDownMaxMs: 100 };
const LIMITS = { callDeadlineMs: 500, callDeadlineHardMs: 500, callsOpenMax: 100 };
const EVENTS = { lateAnswer() {}, badMessage() {} };

/** Endpoints `a` and `b` of which some answer calls, some pings, and some nothing. */
function scene(answers: (endpoint: string, method: string) => boolean) {
  const clock = FakeTimers.install({
    toFake: ["performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });
  const record: string[] = [];
  const serve = async (endpoint: string, peer: Peer) => {
    for (let m = await peer.next(); m !== undefined; m = await peer.next()) {
      record.push(`${endpoint} ${m.method}`);
      if (m.id !== undefined && answers(endpoint, m.method!)) peer.send(result(m.id, {}));
    }
  };
  const endpoints = ["a", "b"].map((label, index) =>
    new Endpoint({
      label,
      priority: 10 - index,
      circuit: upstreamBreaker(BREAKER, () => {}),
      isCostly: true,
      windowMs: 60_000,
      dial() {
        record.push(`dial ${label}`);
        const [ours, theirs] = memoryPair();
        serve(label, new Peer(theirs)).catch(() => {}); // it was aborted
        return Promise.resolve(ours);
      },
    })
  );
  const set = new EndpointSet("t", endpoints, { steadyMs: 1000, switchMs: 30_000 }, {
    switched: (from, to) => record.push(`${from} to ${to}`),
    unreachable() {},
  });
  const steps: string[] = [];
  const client = new UpstreamClient("t", set.dial, new LateReceiver(), EVENTS, {
    ...LIMITS,
    supervise: (dial, supervisee, closing) =>
      supervised(dial, supervisee, closing, {
        upstream: "t",
        intensity: new RestartIntensity(RESTARTS),
        options: { timeouts: 3, pingMs: 1000, stepMs: 1000 },
        events: {
          restarted: () => steps.push("restarted"),
          failed: () => steps.push("failed"),
          step: (step) => steps.push(step),
          ended: (step) => steps.push(`ended by ${step}`),
        },
        reset: () => steps.push("place given away"),
      }),
  });
  return {
    ...{ clock, record, steps, client },
    async call(): Promise<number> {
      const answer = client.request(callOf("tools/call", { name: "t" }));
      const code = answer.then(() => 0, (error: GatewayError) => error.code);
      await clock.tickAsync(700);
      return await code;
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      set[Symbol.dispose]();
      clock.uninstall();
    },
  };
}

Deno.test("a server that hangs is restarted after three calls and an unanswered ping", async () => {
  let isBack = true;
  await using it = scene(() => isBack);
  assert.equal(await it.call(), 0);
  isBack = false;
  for (let i = 0; i < 3; i++) assert.equal(await it.call(), -31002);
  assert.deepEqual(it.steps, []);
  isBack = true;
  await it.clock.tickAsync(1000);
  assert.deepEqual(it.steps, ["restart", "restarted", "ended by restart"]);
  assert.equal(await it.call(), 0);
  assert.deepEqual(it.record.filter((line) => line.startsWith("dial")), ["dial a", "dial a"]);
});

Deno.test("a server that answers pings is left alone, however many calls it leaves unanswered", async () => {
  await using it = scene((_, method) => method === "ping");
  for (let i = 0; i < 10; i++) assert.equal(await it.call(), -31002);
  await it.clock.tickAsync(10_000);
  assert.deepEqual(it.steps, []);
});

Deno.test("a server that still hangs is left for another endpoint, after all other steps", async () => {
  let isBack = true;
  await using it = scene((endpoint) => endpoint === "b" || isBack);
  assert.equal(await it.call(), 0);
  isBack = false;
  for (let i = 0; i < 3; i++) assert.equal(await it.call(), -31002);
  await it.clock.tickAsync(6000);
  assert.deepEqual(it.steps.filter((step) => step !== "restarted"), [
    ...["restart", "clear", "reset", "place given away", "fallback", "ended by fallback"],
  ]);
  assert.equal(await it.call(), 0);
  assert.equal(it.record.includes("a to b"), true);
});

Deno.test("healing ends with its client, and leaves no timer", async () => {
  let isBack = true;
  const it = scene(() => isBack);
  assert.equal(await it.call(), 0);
  isBack = false;
  for (let i = 0; i < 3; i++) await it.call();
  await it.clock.tickAsync(1500);
  assert.equal(it.steps[0], "restart");
  await it[Symbol.asyncDispose]();
  assert.equal(it.clock.countTimers(), 0);
});
