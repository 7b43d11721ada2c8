import assert from "node:assert/strict";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { comeAndGo, holdingsOf, settled } from "../fixtures/gateway_load.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { echoServer, faultyServer } from "../fixtures/servers.ts";

/** A tenth of what tests/integration/load_connects_test.ts does; memory says little about so few. */
const MARGIN_MIB = 100;
const SETTLE_MS = 30_000;
const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "serve keeps no descriptor, process or session of clients that come and go",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({ command: echoServer() });
    await comeAndGo(gateway.url, 5, 4);
    await until(() => gateway.descendants().length === 0, "the end of the first servers");
    const before = holdingsOf(gateway);
    await comeAndGo(gateway.url, 100, 4);
    await settled(gateway, before, MARGIN_MIB, SETTLE_MS);
    assert.equal(await gateway.metric("sluice_sessions"), 0);
    assert.equal(await gateway.metric("sluice_children"), 0);
  },
});

Deno.test({
  name: "serve keeps no descriptor and no process of clients that vanish in the middle of things",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      env: { SLUICE_LIMITS_SESSION_IDLE_MS: "500" },
    });
    await comeAndGo(gateway.url, 5, 4);
    await until(() => gateway.descendants().length === 0, "the end of the first servers");
    const before = holdingsOf(gateway);
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 5 }, async () => {
        using client = new GatewayClient(gateway.url);
        await client.initialize();
        await using _stream = await client.listen();
        const stop = new AbortController();
        const call = client.call("1", { ms: 300 }, stop.signal);
        await client.call("2", {});
        stop.abort();
        await assert.rejects(call);
      }));
    }
    await settled(gateway, before, MARGIN_MIB, SETTLE_MS);
    assert.equal(await gateway.metric("sluice_sessions"), 0);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
  },
});
