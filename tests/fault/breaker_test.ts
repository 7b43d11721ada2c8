import assert from "node:assert/strict";
import { CountingGate } from "../fixtures/counting_gate.ts";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { callTool, connected, gatewayOf, listTools } from "../fixtures/failover_scene.ts";
import type { GatewayClient } from "../fixtures/gateway_client.ts";
import { type GatewayProcess, until } from "../fixtures/gateway_process.ts";

const OPEN_MS = 1000;
const BREAKER = { failures: 5, openMs: OPEN_MS, successes: 1 };

function withGate(
  title: string,
  upstream: (gate: string, other: string) => Record<string, unknown>,
  check: (scene: {
    gate: CountingGate;
    server: EndpointProcess;
    gateway: GatewayProcess;
    client: GatewayClient;
  }) => Promise<void>,
): void {
  Deno.test({
    name: `serve ${title}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using server = await EndpointProcess.start();
      await using gate = await CountingGate.start(server.port);
      await using gateway = await gatewayOf({
        upstream: upstream(`ws://127.0.0.1:${gate.port}/`, server.ws),
        settings: { breaker: BREAKER, failover: { checkMs: 100, steadyMs: 200, switchMs: 100 } },
      });
      using client = await connected(gateway);
      assert.equal(await listTools(client), 0);
      await check({ gate, server, gateway, client });
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

const stateOf = async (gateway: GatewayProcess, series: string) =>
  (await gateway.metrics()).get(`sluice_circuit_state{upstream="${series}"}`);

/** The most probes that can have been made: the circuit was open for its time before each of them. */
const probesMax = (sinceMs: number) => Math.floor((performance.now() - sinceMs) / OPEN_MS);

withGate(
  "leaves a server alone after exactly 5 failures, tries it once at a time, and goes on when it is back",
  (gate) => ({ url: gate }),
  async ({ gate, gateway, client }) => {
    await gate.shut();
    const before = gate.count, startMs = performance.now();
    const ends: string[] = [];
    while (ends.at(-1) !== "-31003 503") {
      ends.push(await callTool(client, "write", `${ends.length}`));
    }
    const lost = ends.filter((end) => end === "-31001 unknown").length; // sent into the broken connection
    assert.deepEqual(new Set(ends.slice(lost)), new Set(["-31001 not_sent", "-31003 503"]));
    const opened = gate.count;
    assert.equal(lost + opened - before, 5);
    const crowd = Array.from({ length: 50 }, (_, i) => listTools(client, `open ${i}`));
    const tried = (await Promise.all(crowd)).filter((code) => code !== -31003); // by a probe, on a slow machine
    assert.ok(tried.length <= probesMax(startMs), `${tried.length} calls passed an open circuit`);
    await refused(client);
    assert.ok(gate.count <= opened + probesMax(startMs), "an open circuit was passed");
    while (gate.count < opened + 3) {
      const crowd = Array.from({ length: 10 }, (_, i) => listTools(client, `probe ${i}`));
      await Promise.all(crowd);
      assert.ok(gate.count <= opened + probesMax(startMs), "probed more than once at a time");
    }
    gate.open();
    await until(async () => await listTools(client) === 0, "the circuit to close");
    assert.equal(await stateOf(gateway, "server"), 0);
    assert.equal(await callTool(client, "write", "n"), "n");
  },
);

withGate(
  "goes on over the second endpoint, and tries the first once in the configured time",
  (gate, other) => ({ endpoints: [{ url: gate }, { url: other }] }),
  async ({ gate, gateway, client, server }) => {
    const before = gate.count, startMs = performance.now();
    await gate.shut();
    for (let i = 0; i < 100; i++) assert.equal(await listTools(client, `${i}`), 0);
    await until(async () => await stateOf(gateway, "server#1") === 2, "the circuit to open");
    const dials = gate.count - before; // a call that was under way when the first was lost is a failure, too
    assert.ok(dials === 4 || dials === 5, `${dials}`);
    const opened = gate.count;
    while (gate.count < opened + 3) {
      const nonce = crypto.randomUUID();
      assert.equal(await callTool(client, "write", nonce), nonce);
      assert.ok(gate.count <= opened + probesMax(startMs), "probed more often");
    }
    gate.open();
    await until(async () => await stateOf(gateway, "server#1") === 0, "the circuit to close");
    await until(
      async () => await gateway.metric("sluice_failovers_total") === 2,
      "calls to move back",
    );
    assert.equal(await callTool(client, "write", "back"), "back");
    assert.ok(server.nonces("write").includes("back"));
  },
);

/** Over HTTP: a 503 that says when to come back. */
async function refused(client: GatewayClient): Promise<void> {
  await until(async () => {
    const answer = await client.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    if (answer.status !== 503) return false;
    assert.equal(answer.messages[0].error.code, -31003);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]$/);
    return true;
  }, "a refusal");
}
