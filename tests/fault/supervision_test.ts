import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";

/** A breaker that does not come between. */
const NO_BREAKER = { SLUICE_BREAKER_FAILURES: "1000", SLUICE_BREAKER_ERROR_RATE: "1" };

interface Setting {
  readonly gateway: GatewayProcess;
  readonly client: GatewayClient;
  readonly ledger: Ledger;
}

function supervised(
  title: string,
  env: Record<string, string>,
  check: (setting: Setting) => Promise<void>,
  args: readonly string[] = ["--shared"],
): void {
  Deno.test({
    name: `serve ${title}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using ledger = await Ledger.open();
      await using gateway = await GatewayProcess.start({
        command: ledger.command,
        args,
        env: { ...NO_BREAKER, ...env },
      });
      using client = new GatewayClient(gateway.url);
      await client.initialize();
      await check({ gateway, client, ledger });
      assert.deepEqual(ledger.repeated(), []);
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

async function works(client: GatewayClient): Promise<number> {
  const answer = await bounded(client.call('"works"', { nonce: crypto.randomUUID() }), "an answer");
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.result!).pid;
}

const crash = async (client: GatewayClient, nonce: string) => {
  const { status, code, outcome } = await bounded(
    client.call(JSON.stringify(nonce), { nonce, fault: "abort" }),
    "the crash",
  );
  return [status, code, outcome];
};

const linesOf = (gateway: GatewayProcess, text: string) =>
  gateway.log.split("\n").filter((line) => line.includes(text)).length;

supervised(
  "starts a server that crashes as often as it is told to, leaves it alone, and twice as long the next time",
  { SLUICE_RESTARTS_MAX: "3", SLUICE_RESTARTS_COOL_DOWN_MS: "1500" },
  async ({ gateway, client, ledger }) => {
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(await crash(client, `crash-${i}`), [200, -31001, "unknown"]);
    }
    const { status, code, headers } = await client.call('"refused"', { nonce: "refused" });
    assert.deepEqual([status, code], [503, -31003]);
    assert.match(headers.get("retry-after")!, /^[12]$/);
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 3);
    assert.ok(
      await gateway.metric("sluice_upstream_failed_until_seconds") > Date.now() / 1000 - 10,
    );
    assert.equal(linesOf(gateway, "ends too often"), 1);
    await until(
      async () => (await client.call('"again"', {})).status === 200,
      "the server to be tried again",
    );
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 4);
    assert.deepEqual(await crash(client, "crash-again"), [200, -31001, "unknown"]);
    const again = await client.call('"refused"', { nonce: "refused" });
    assert.deepEqual([again.status, again.code], [503, -31003]);
    assert.match(again.headers.get("retry-after")!, /^[23]$/);
    assert.ok(!ledger.executed().includes("refused"));
  },
);

supervised(
  "counts restarts for each session alone: who crashes its own server costs nobody else theirs",
  { SLUICE_RESTARTS_MAX: "1", SLUICE_RESTARTS_COOL_DOWN_MS: "60000" },
  async ({ gateway, client }) => {
    using other = new GatewayClient(gateway.url);
    await other.initialize();
    const pid = await works(other);
    for (let i = 0; i < 2; i++) await crash(client, `crash-${i}`);
    assert.equal((await client.call('"refused"', {})).code, -31003);
    assert.equal(await works(other), pid);
  },
  [],
);

supervised(
  "restarts a server that hangs, repeats nothing, and goes on",
  { SLUICE_LIMITS_CALL_DEADLINE_MS: "300", SLUICE_HEALING_PING_MS: "500" },
  async ({ gateway, client, ledger }) => {
    const pid = await works(client);
    Deno.kill(pid, "SIGSTOP");
    const calls = Array.from({ length: 3 }, (_, i) => client.call(`${i}`, { nonce: `hung-${i}` }));
    for (const call of calls) assert.equal((await bounded(call, "the deadline")).code, -31002);
    await until(
      async () =>
        (await gateway.metrics()).get(
          'sluice_healing_steps_total{upstream="upstream",step="healed"}',
        ) === 1,
      "the server to be healed",
    );
    assert.notEqual(await works(client), pid);
    const steps = await gateway.metrics();
    const step = (name: string) =>
      steps.get(`sluice_healing_steps_total{upstream="upstream",step="${name}"}`);
    assert.deepEqual([step("restart"), step("clear")], [1, undefined]);
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 1);
    assert.deepEqual(ledger.executed().filter((nonce) => nonce.startsWith("hung")), []);
    assert.equal(linesOf(gateway, "upstream hangs"), 1);
  },
);

supervised(
  "leaves a server alone whose calls take too long while it answers pings",
  { SLUICE_LIMITS_CALL_DEADLINE_MS: "200", SLUICE_HEALING_PING_MS: "2000" },
  async ({ gateway, client }) => {
    const pid = await works(client);
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 4 }, (_, i) => client.call(`${i}`, { fault: "hang" }));
      for (const call of calls) assert.equal((await bounded(call, "the deadline")).code, -31002);
    }
    assert.equal(await works(client), pid);
    assert.equal(await gateway.metric("sluice_healing_steps_total"), 0);
  },
);
