import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { connected, gatewayOf, listTools, Load } from "../fixtures/failover_scene.ts";
import { type GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { echoServer } from "../fixtures/servers.ts";
import { sluice } from "../fixtures/sluice.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";

/** Small enough for a test; the least time between two moves is {@link SWITCH_MS}. */
const FAILOVER = { checkMs: 200, steadyMs: 400, windowMs: 2000 };
const SWITCH_MS = 2000;

const failovers = (gateway: GatewayProcess) => gateway.metric("sluice_failovers_total");

function failover(
  title: string,
  scheme: "ws" | "http",
  switchMs: number,
  check: (
    primary: EndpointProcess,
    fallback: EndpointProcess,
    gateway: GatewayProcess,
  ) => Promise<void>,
): void {
  Deno.test({
    name: `serve ${title} (${scheme})`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using primary = await EndpointProcess.start();
      await using fallback = await EndpointProcess.start();
      await using gateway = await gatewayOf({
        upstream: { endpoints: [{ url: primary[scheme] }, { url: fallback[scheme] }] },
        settings: { failover: { ...FAILOVER, switchMs }, breaker: { openMs: 300 } },
      });
      await check(primary, fallback, gateway).finally(() =>
        Deno.env.get("DBG") && console.log(gateway.log)
      );
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

for (const scheme of ["ws", "http"] as const) {
  failover(
    "loses no call without effects when the primary is killed under load, repeats no other, and moves back",
    scheme,
    SWITCH_MS,
    async (primary, fallback, gateway) => {
      using client = await connected(gateway);
      assert.equal(await listTools(client), 0);
      await using reads = new Load(client, "read", 100);
      await using writes = new Load(client, "write", 100);
      await until(() => primary.nonces("write").length > 50, "calls to reach the primary");
      await primary.kill();
      await until(() => fallback.nonces("write").length > 50, "calls to reach the fallback");
      const before = primary.nonces("write").length;
      await primary.restart();
      await until(() => primary.nonces("write").length > before + 50, "calls to move back");
      const [read, written] = await bounded(Promise.all([reads.stop(), writes.stop()]), "answers");
      assert.deepEqual([...read.failed.keys()], []);
      for (const kind of written.failed.keys()) assert.equal(kind, "-31001 unknown");
      const executed = [...primary.nonces("write"), ...fallback.nonces("write")];
      assert.equal(new Set(executed).size, executed.length, "a call was repeated");
      for (const nonce of written.ok) assert.ok(executed.includes(nonce));
      assert.equal(await failovers(gateway), 2);
    },
  );
}

failover(
  "moves to a flapping primary at most once in the configured time",
  "ws",
  SWITCH_MS,
  async (primary, fallback, gateway) => {
    using client = await connected(gateway);
    assert.equal(await listTools(client), 0);
    await using reads = new Load(client, "read", 50);
    await until(() => primary.nonces("read").length > 0, "calls to reach the primary");
    const startMs = performance.now();
    for (let flap = 0; flap < 4; flap++) {
      await primary.kill();
      const there = fallback.nonces("read").length;
      await until(() => fallback.nonces("read").length > there + 10, "calls to reach the fallback");
      const back = primary.nonces("read").length;
      await primary.restart();
      if (flap % 2 === 0) await primary.until("ping", 1 + primary.count("ping"));
      else await until(() => primary.nonces("read").length > back, "calls to move back");
    }
    const { failed } = await bounded(reads.stop(), "answers");
    assert.deepEqual([...failed.keys()], []);
    const moves = gateway.log.split("\n").filter((line) => line.includes('"why":"better"')).length;
    const elapsedMs = performance.now() - startMs;
    assert.ok(moves >= 1 && moves <= 1 + elapsedMs / SWITCH_MS, `${moves} in ${elapsedMs} ms`);
  },
);

Deno.test({
  name: "proxy goes on over the program behind -- when the URL before it is lost",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using primary = await EndpointProcess.start();
    const echo = echoServer();
    const { program, args } = sluice("proxy", primary.ws, "--", echo.program, ...echo.args);
    await using client = startStdioPeer({ program, args });
    await client.initialize();
    assert.equal((await client.request("tools/list")).result.tools.length, 2);
    await primary.kill();
    const { result } = await client.request("tools/list");
    assert.deepEqual(result.tools.map(({ name }: { name: string }) => name), ["echo"]);
  },
});
