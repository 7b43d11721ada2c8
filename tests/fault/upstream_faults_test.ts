import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { cuttingProxy } from "../fixtures/cutting_proxy.ts";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { callTool, connected, gatewayOf, listTools } from "../fixtures/failover_scene.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";

const ignore = Deno.build.os !== "linux";
const CLIENTS = 20, LANES = 4, ABORTS = 6;

Deno.test({
  name:
    "serve tells exactly the calls in flight of each crash of a child, repeats none, and starts it as often",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({
      command: ledger.command,
      args: ["--shared"],
    });
    const ok = new Set<string>(), failed = new Map<string, string>(), pids = new Set<number>();
    const aborts = new Set<string>();
    let isOver = false;
    const lane = async (client: GatewayClient, name: string) => {
      for (let i = 0; !isOver; i++) {
        const nonce = `${name}-${i}`;
        const answer = await client.call(JSON.stringify(nonce), { nonce, ms: 5 });
        if (answer.result === undefined) failed.set(nonce, `${answer.code} ${answer.outcome}`);
        else {
          ok.add(nonce);
          pids.add(JSON.parse(answer.result).pid);
        }
      }
    };
    const clients = Array.from({ length: CLIENTS }, () => new GatewayClient(gateway.url));
    await Promise.all(clients.map((client) => client.initialize()));
    const lanes = clients.flatMap((client, c) =>
      Array.from({ length: LANES }, (_, l) => lane(client, `${c}.${l}`))
    );
    try {
      for (let abort = 0; abort < ABORTS; abort++) {
        const before = ok.size;
        await until(() => ok.size > before + 200, "calls to be answered");
        const nonce = `abort-${abort}`;
        aborts.add(nonce);
        const answer = await clients[0].call(JSON.stringify(nonce), { nonce, fault: "abort" });
        assert.deepEqual([answer.code, answer.outcome], [-31001, "unknown"]);
      }
      const before = ok.size;
      await until(() => ok.size > before + 200, "calls to be answered");
    } finally {
      isOver = true;
      await bounded(Promise.all(lanes), "the last answers");
      for (const client of clients) client[Symbol.dispose]();
    }
    assert.deepEqual(new Set(failed.values()), new Set(["-31001 unknown"]));
    assert.ok(failed.size <= ABORTS * CLIENTS * LANES);
    assert.deepEqual(ledger.repeated(), []);
    const executed = new Set(ledger.executed());
    for (const nonce of [...ok, ...aborts]) assert.ok(executed.has(nonce), nonce);
    assert.equal(pids.size, ABORTS + 1);
    assert.equal(await gateway.metric("sluice_circuit_state"), 0);
  },
});

Deno.test({
  name:
    "serve cancels the calls of a child that hangs, leaves it alone after 5, and drops its late answers",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({
      command: ledger.command,
      args: ["--shared"],
      env: { SLUICE_LIMITS_CALL_DEADLINE_MS: "500", SLUICE_BREAKER_OPEN_MS: "1500" },
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const { pid } = JSON.parse((await client.call("0", { nonce: "first" })).result!);
    Deno.kill(pid, "SIGSTOP");
    const hanging = Array.from({ length: 5 }, (_, i) => client.call(`${i}`, { nonce: `h${i}` }));
    for (const call of hanging) {
      const { code, messages } = await bounded(call, "the deadline");
      assert.deepEqual([code, messages.length], [-31002, 1]);
    }
    const refused = Array.from({ length: 20 }, (_, i) => client.call(`${i}`, { nonce: `r${i}` }));
    for (const call of refused) {
      const { status, code, headers } = await bounded(call, "the refusal");
      assert.deepEqual([status, code], [503, -31003]);
      assert.match(headers.get("retry-after")!, /^[12]$/);
    }
    Deno.kill(pid, "SIGCONT");
    const late = async () => await gateway.metric("sluice_late_answers_total");
    await until(async () => await late() === 5, "5 late answers");
    let probes = 0;
    await until(async () => {
      const answer = await client.call('"probe"', { nonce: `p${probes++}` });
      if (answer.result === undefined) {
        return assert.equal(answer.code, -31003) as undefined ?? false;
      }
      return JSON.parse(answer.result).pid === pid;
    }, "the circuit to let a call through");
    const sent = ledger.received("tools/call").map(({ params }) => params.arguments.nonce);
    assert.deepEqual(sent.filter((nonce) => nonce.startsWith("r")), []);
    const hung = ledger.received("tools/call").filter((m) => m.params.arguments.nonce[0] === "h");
    const cancelled = ledger.received("notifications/cancelled").map((m) => m.params.requestId);
    assert.deepEqual(cancelled.sort(), hung.map(({ id }) => id).sort());
    assert.deepEqual(ledger.repeated(), []);
    assert.equal(await late(), 5);
  },
});

Deno.test({
  name:
    "serve repeats what reads when an HTTP server breaks off in the middle of an answer, and nothing else",
  ignore,
  async fn() {
    await using server = await EndpointProcess.start();
    let cuts = 0;
    let next: string | undefined; // what the next answer to be cut holds
    await using proxy = await cuttingProxy(server.port, (text, cut) => {
      if (next === undefined || !text.includes(next)) return;
      next = undefined;
      cuts++;
      cut();
    });
    await using gateway = await gatewayOf({
      upstream: { url: `http://127.0.0.1:${proxy.port}/mcp` },
    });
    using client = await connected(gateway);
    assert.equal(await listTools(client), 0);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 3; i++) {
        assert.equal(await callTool(client, "write", `whole-${round}-${i}`), `whole-${round}-${i}`);
      }
      next = `write-${round}`;
      assert.equal(await callTool(client, "write", `write-${round}`), "-31001 unknown");
      next = `read-${round}`;
      assert.equal(await callTool(client, "read", `read-${round}`), `read-${round}`);
      next = "readOnlyHint";
      assert.equal(await listTools(client, `list-${round}`), 0);
    }
    assert.equal(cuts, 30);
    const twice = Array.from({ length: 10 }, (_, i) => [`read-${i}`, `read-${i}`]).flat();
    assert.deepEqual(server.nonces("read"), twice);
    const writes = server.nonces("write");
    assert.equal(new Set(writes).size, writes.length, "a call was repeated");
    assert.equal(server.count("tools/list"), 1 + 20);
    assert.equal(await gateway.metric("sluice_resent_calls_total"), 20);
  },
});
