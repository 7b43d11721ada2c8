import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { gatewayOf } from "../fixtures/failover_scene.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";

const ignore = Deno.build.os !== "linux";

async function scene(
  ledger: Ledger,
  upstream: Record<string, unknown>,
  settings: Record<string, unknown> = {},
): Promise<GatewayProcess> {
  const { program, args, env } = ledger.command;
  return await gatewayOf({
    upstream: { command: program, args, env, sharing: "shared", ...upstream },
    settings,
  });
}

async function connect(gateway: GatewayProcess): Promise<GatewayClient> {
  const client = new GatewayClient(gateway.url);
  await client.initialize();
  return client;
}

const callsIn = async (gateway: GatewayProcess, state: string) =>
  (await gateway.metrics()).get(`sluice_upstream_calls{upstream="server",state="${state}"}`);

Deno.test({
  name: "serve gives a server no more calls at once than it may have, and refuses what cannot wait",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await scene(ledger, { calls: { max: 2, queue: 2, queueMs: 60_000 } });
    using client = await connect(gateway);
    const held: ReturnType<typeof client.call>[] = [];
    for (const i of [0, 1]) {
      held.push(client.call(`${i}`, { nonce: `held-${i}`, fault: "hang" }));
      await ledger.until(`held-${i}`);
    }
    const behind: ReturnType<typeof client.call>[] = [];
    for (const i of [2, 3]) { // each has a socket of its own: at once they could arrive in any order
      behind.push(client.call(`${i}`, { nonce: `behind-${i}` }));
      await until(async () => await callsIn(gateway, "waiting") === i - 1, "the call to wait");
    }
    const refused = await bounded(client.call("4", { nonce: "refused" }), "the refusal");
    assert.deepEqual([refused.status, refused.code], [503, -31005]);
    assert.equal(refused.headers.get("retry-after"), "60");
    assert.equal(await callsIn(gateway, "running"), 2);
    await client.notify("notifications/cancelled", { requestId: 0 });
    for (const call of behind) assert.equal((await bounded(call, "an answer")).status, 200);
    await client.notify("notifications/cancelled", { requestId: 1 });
    for (const call of held) assert.deepEqual((await bounded(call, "the end")).messages, []);
    await until(async () => await callsIn(gateway, "running") === 0, "all calls to end");
    assert.deepEqual(ledger.executed(), ["held-0", "held-1", "behind-2", "behind-3"]);
    assert.equal(await gateway.metric("sluice_shed_calls_total"), 1);
  },
});

Deno.test({
  name: "serve takes clients in turn where calls wait: who asks much does not starve the others",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await scene(ledger, { calls: { max: 1, queue: 100, queueMs: 60_000 } });
    using greedy = await connect(gateway);
    using other = await connect(gateway);
    const first = greedy.call("0", { nonce: "first", fault: "hang" });
    await ledger.until("first");
    const many = Array.from({ length: 30 }, (_, i) => greedy.call(`${i + 1}`, { nonce: `g${i}` }));
    await until(async () => await callsIn(gateway, "waiting") === 30, "the calls to wait");
    const few = Array.from({ length: 5 }, (_, i) => other.call(`${i}`, { nonce: `o${i}` }));
    await until(async () => await callsIn(gateway, "waiting") === 35, "the calls to wait");
    await greedy.notify("notifications/cancelled", { requestId: 0 });
    for (const call of [...many, ...few]) {
      assert.equal((await bounded(call, "an answer")).status, 200);
    }
    await bounded(first, "the end of the first");
    const places = ledger.executed().flatMap((nonce, at) => nonce.startsWith("o") ? at : []);
    assert.deepEqual(places, [2, 4, 6, 8, 10]);
  },
});

Deno.test({
  name: "serve sheds what matters less while a server fails, and serves everything when it is back",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await scene(ledger, {}, {
      degraded: { enabled: true, windowMs: 1000, holdMs: 500 },
      breaker: { failures: 1000, errorRate: 1 },
      limits: { callDeadlineMs: 300 },
    });
    using client = await connect(gateway);
    const other = () =>
      client.post('{"jsonrpc":"2.0","id":"other","method":"resources/list","params":{}}');
    assert.equal((await other()).messages[0].error.code, -32601); // of the server
    const hung = Array.from({ length: 30 }, (_, i) => client.call(`${i}`, { fault: "hang" }));
    for (const call of hung) assert.equal((await bounded(call, "the deadline")).code, -31002);
    const { status, messages, headers } = await other();
    assert.deepEqual([status, messages[0].error.code], [503, -31005]);
    assert.equal(headers.get("retry-after"), "1");
    assert.equal(await gateway.metric("sluice_degraded"), 1);
    assert.equal((await client.call('"on"', { nonce: "on" })).status, 200);
    await until(async () => (await other()).messages[0].error.code === -32601, "the end");
    assert.equal(await gateway.metric("sluice_degraded"), 0);
    for (const line of ["degraded mode begins", "degraded mode is over"]) {
      assert.equal(gateway.log.split(line).length, 2, line);
    }
  },
});

Deno.test({
  name:
    "serve refuses calls to a server that reads nothing, and to no other behind the same endpoint",
  ignore,
  async fn() {
    await using deaf = await Ledger.open();
    await using well = await Ledger.open();
    const file = await Deno.makeTempFile({ suffix: ".json" });
    const upstreams = Object.fromEntries(
      Object.entries({ deaf, well }).map(([name, { command: { program, args, env } }]) => [
        name,
        { command: program, args, env, sharing: "shared" },
      ]),
    );
    await Deno.writeTextFile(file, JSON.stringify({ sluice: { upstreams } }));
    await using gateway = await GatewayProcess.start({ args: ["--config", file] });
    await Deno.remove(file);
    using client = await connect(gateway);
    let id = 0;
    const call = (server: string, args: unknown) =>
      client.post(JSON.stringify({
        jsonrpc: "2.0",
        id: ++id,
        method: "tools/call",
        params: { name: `${server}__echo`, arguments: args },
      }));
    const isOk = async (answer: ReturnType<typeof call>) =>
      assert.ok((await bounded(answer, "an answer")).messages[0].result !== undefined);
    await isOk(call("well", {}));
    await isOk(call("deaf", { fault: "deaf" }));
    const stuck = call("deaf", { pad: "x".repeat(3 << 19) });
    await until(() => deaf.bytesReceived() > 10_000, "the write to begin");
    const refused = call("deaf", { nonce: "refused" });
    for (let i = 0; i < 50; i++) await isOk(call("well", { nonce: `n${i}` }));
    assert.equal((await bounded(refused, "the refusal")).messages[0].error.code, -31005);
    assert.equal((await bounded(stuck, "the end")).messages[0].error.code, -31001);
    assert.ok(!deaf.executed().includes("refused"));
    assert.equal(well.executed().length, 50);
  },
});
