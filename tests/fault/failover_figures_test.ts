import assert from "node:assert/strict";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { callTool, connected, gatewayOf } from "../fixtures/failover_scene.ts";
import { until } from "../fixtures/gateway_process.ts";

Deno.test({
  name: "serve counts whether another endpoint was found, and how each of them is",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using first = await EndpointProcess.start();
    await using second = await EndpointProcess.start();
    await using gateway = await gatewayOf({
      upstream: { endpoints: [{ url: first.ws }, { url: second.ws }] },
      settings: { failover: { checkMs: 100, steadyMs: 200, switchMs: 60_000 } },
    });
    using client = await connected(gateway);
    const value = async (series: string) => (await gateway.metrics()).get(series);
    assert.equal(await callTool(client, "read", "one"), "one");
    assert.equal(await value('sluice_failover_attempts_total{group="server",outcome="ok"}'), 0);
    assert.equal(await value('sluice_failover_success_ratio{group="server"}'), undefined);

    await first.kill();
    await until(async () => await callTool(client, "read", "two") === "two", "an answer");
    assert.equal(await value('sluice_failover_attempts_total{group="server",outcome="ok"}'), 1);
    assert.equal(await value('sluice_failover_success_ratio{group="server"}'), 1);
    const isKnown = async () => await value('sluice_endpoint_health{upstream="server#1"}') === 2;
    await until(isKnown, "the health of the first endpoint");
    assert.equal(await value('sluice_endpoint_health{upstream="server#2"}'), 0);
    assert.match(gateway.log, /"recommendation":"restart the server or take it out/);

    await second.kill();
    await until(async () => {
      await callTool(client, "read", "three");
      return await value('sluice_failover_attempts_total{group="server",outcome="failed"}') !== 0;
    }, "a failover that failed");
    const ratio = await value('sluice_failover_success_ratio{group="server"}');
    assert.ok(ratio! > 0 && ratio! < 1);
  },
});
