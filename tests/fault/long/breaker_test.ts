import assert from "node:assert/strict";
import { CountingGate } from "../../fixtures/counting_gate.ts";
import { EndpointProcess } from "../../fixtures/endpoint_process.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { connected, gatewayOf, listTools, Load } from "../../fixtures/failover_scene.ts";
import { figures } from "../../fixtures/figures.ts";
import { until } from "../../fixtures/gateway_process.ts";

const DOWN_MS = 20_000, OPEN_MS = 2_000;

Deno.test({
  name:
    "serve leaves one of two servers alone for 20 s: 5 failures, then one probe every 2 s, and back",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using first = await EndpointProcess.start();
    await using second = await EndpointProcess.start();
    await using gate = await CountingGate.start(first.port);
    await using gateway = await gatewayOf({
      upstream: { endpoints: [{ url: `ws://127.0.0.1:${gate.port}/` }, { url: second.ws }] },
      settings: {
        breaker: { failures: 5, openMs: OPEN_MS, successes: 1 },
        failover: { checkMs: 200, steadyMs: 1000, switchMs: 1000 },
      },
    });
    const state = async () =>
      (await gateway.metrics()).get('sluice_circuit_state{upstream="server#1"}');
    using client = await connected(gateway);
    assert.equal(await listTools(client), 0);
    await using reads = new Load(client, "read", 50);
    await using writes = new Load(client, "write", 50);
    await until(() => first.nonces("write").length > 50, "calls to reach the first server");
    const before = gate.count, startMs = performance.now();
    await gate.shut();
    await until(async () => await state() === 2, "the breaker to open");
    const opened = gate.count, openedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS - (openedMs - startMs)));
    const probes = gate.count - opened, openForMs = performance.now() - openedMs;
    const back = first.nonces("write").length;
    gate.open();
    await until(async () => await state() === 0, "the breaker to close");
    await until(() => first.nonces("write").length > back, "calls to move back");
    const [read, written] = await bounded(Promise.all([reads.stop(), writes.stop()]), "answers");
    const lost = [...written.failed.values()].flat();
    figures("A9, one of two down for 20 s", {
      dialsBeforeOpen: opened - before,
      probes,
      openForMs,
      reads: read.ok.size,
      readsFailed: [...read.failed.values()].flat().length,
      writes: written.ok.size,
      writesLost: lost.length,
    });
    // A call under way when the first server was lost is one failure, too.
    assert.ok(opened - before === 4 || opened - before === 5, `${opened - before} dials`);
    const most = openForMs / OPEN_MS;
    assert.ok(probes <= most && probes >= most / 3, `${probes} probes in ${openForMs} ms`);
    assert.deepEqual([...read.failed.keys()], []);
    assert.deepEqual([...written.failed.keys()].filter((how) => how !== "-31001 unknown"), []);
    const executed = [...first.nonces("write"), ...second.nonces("write")];
    assert.equal(new Set(executed).size, executed.length, "a call was repeated");
    for (const nonce of written.ok) assert.ok(executed.includes(nonce), nonce);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
  },
});
