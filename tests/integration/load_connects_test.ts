import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { ProxyLines } from "../fixtures/gateway_lines.ts";
import { comeAndGo, holdingsOf, sameIds, settled } from "../fixtures/gateway_load.ts";
import {
  GatewayProcess,
  MARK_VARIABLE,
  markedProcesses,
  until,
} from "../fixtures/gateway_process.ts";
import { echoServer, faultyServer } from "../fixtures/servers.ts";

const ignore = Deno.build.os !== "linux";
/** What everything is compared with comes after the first clients: code is loaded, buffers are there. */
const FIRST = 30;
const MARGIN_MIB = 20;
/** The runtime gives memory back after some ten idle seconds. */
const SETTLE_MS = 90_000;

Deno.test({
  name: "serve keeps nothing of 1,000 clients that come and go with a server each",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({ command: echoServer() });
    await comeAndGo(gateway.url, FIRST, 4);
    await until(() => gateway.descendants().length === 0, "the end of the first servers");
    const before = holdingsOf(gateway);
    await comeAndGo(gateway.url, 1000, 8);
    await settled(gateway, before, MARGIN_MIB, SETTLE_MS);
    assert.equal(await gateway.metric("sluice_sessions"), 0);
    assert.equal(await gateway.metric("sluice_children"), 0);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
  },
});

Deno.test({
  name: "serve keeps nothing of 100 servers that crashed",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      args: ["--shared"],
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const crash = async (count: number) => {
      for (let i = 0; i < count; i++) {
        assert.equal((await client.call("1", { fault: "abort" })).outcome, "unknown");
        assert.ok((await client.call("2", { nonce: "n" })).result);
      }
    };
    await crash(5);
    const before = holdingsOf(gateway);
    await crash(100);
    await settled(gateway, before, MARGIN_MIB, SETTLE_MS);
  },
});

Deno.test({
  name: "serve crosses, loses and repeats none of 100,000 calls under the same ids",
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: echoServer("node"),
      args: ["--shared"],
    });
    const counts = await sameIds(gateway.url, { clients: 100, ids: 1000, inFlight: 10 });
    assert.deepEqual(counts, { answered: 100_000, crossed: 0, lost: 0, repeated: 0, foreignId: 0 });
    assert.equal(await gateway.metric("sluice_late_answers_total"), 0);
  },
});

Deno.test({
  name: "40 proxies come and go, and leave nothing",
  ignore,
  async fn() {
    const mark = crypto.randomUUID();
    let next = 0;
    const lane = async () => {
      while (next++ < 40) {
        await using proxy = new ProxyLines({
          command: echoServer(),
          env: { [MARK_VARIABLE]: mark },
        });
        await proxy.sendLine(
          '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}',
        );
        assert.match((await proxy.nextLine())!, /"id":1,"result"/);
        await proxy.closeInput();
        assert.equal((await bounded(proxy.status, "the end of a proxy")).code, 0);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    assert.deepEqual(markedProcesses(mark), []);
  },
});
