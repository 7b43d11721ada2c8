import assert from "node:assert/strict";
import { bounded } from "../../fixtures/child_wait.ts";
import { figures } from "../../fixtures/figures.ts";
import { GatewayClient } from "../../fixtures/gateway_client.ts";
import { holdingsOf } from "../../fixtures/gateway_load.ts";
import { GatewayProcess, until } from "../../fixtures/gateway_process.ts";
import { faultyServer } from "../../fixtures/servers.ts";

const CLIENTS = 20, ANSWERS = 10, MIB = 3;
/** All outgoing buffers together may hold 256 MiB; the rest is what has not been collected yet. */
const GROWN_MIB_MAX = 600;
const LEFT_MIB_MAX = 60, SETTLE_MS = 90_000;

Deno.test({
  name: "serve gives the memory back of 600 MiB of answers",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      args: ["--shared"],
      env: { SLUICE_LIMITS_CALL_DEADLINE_MS: "120000" },
    });
    const clients = Array.from({ length: CLIENTS }, () => new GatewayClient(gateway.url));
    await Promise.all(clients.map((client) => client.initialize()));
    const ask = async (client: GatewayClient, count: number) => {
      const kinds: string[] = [];
      const one = async (i: number) => {
        const { result, code } = await client.call(`${i}`, { fault: "big", n: MIB });
        kinds.push(result === undefined ? String(code) : "ok");
      };
      await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
      return kinds;
    };
    await ask(clients[0], 1);
    const before = holdingsOf(gateway);
    const ends = (await bounded(
      Promise.all(clients.map((client) => ask(client, ANSWERS))),
      "the answers",
      120_000,
    )).flat();
    const peakMib = gateway.peakResidentMib(), endMs = performance.now();
    for (const client of clients) client[Symbol.dispose]();
    let now = holdingsOf(gateway);
    await until(
      () => (now = holdingsOf(gateway)).residentMib <= before.residentMib + LEFT_MIB_MAX,
      `the memory: ${JSON.stringify({ before, now })}`,
      SETTLE_MS,
    );
    const seconds = (performance.now() - endMs) / 1000;
    const good = ends.filter((end) => end === "ok").length;
    figures("C19, memory", { answers: ends.length, good, before, peakMib, now, seconds });
    assert.equal(ends.length, CLIENTS * ANSWERS);
    for (const end of ends) assert.ok(end === "ok" || end === "-31005", end); // refused, or answered
    assert.ok(peakMib - before.residentMib <= GROWN_MIB_MAX, `grown to ${peakMib} MiB`);
  },
});
