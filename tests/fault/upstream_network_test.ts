import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { cuttingProxy } from "../fixtures/cutting_proxy.ts";
import { DrippingServer } from "../fixtures/dripping_server.ts";
import { EndpointProcess } from "../fixtures/endpoint_process.ts";
import { callTool, connected, gatewayOf, listTools } from "../fixtures/failover_scene.ts";
import { figures, quantile } from "../fixtures/figures.ts";
import { until } from "../fixtures/gateway_process.ts";

const ignore = Deno.build.os !== "linux";
const DEADLINE_MS = 5_000, DRIPPING = 200;
/**
 * 8 MiB is the aim for 200 such calls. Measured: 13 in the second round where the server says nothing at all, which
 * is 400 sockets, and 26 where it drips.
 */
const GROWN_MIB_MAX = 64;

for (const form of ["json", "events"] as const) {
  Deno.test({
    name: `serve gives 200 calls up at their deadline whose answers come byte by byte (${form})`,
    ignore,
    async fn() {
      await using server = await DrippingServer.start(form, 100);
      await using gateway = await gatewayOf({
        upstream: { url: server.url, era: "legacy" },
        settings: {
          limits: { callDeadlineMs: DEADLINE_MS },
          breaker: { failures: 10_000, errorRate: 1 },
          healing: { timeouts: 0 },
        },
      });
      using client = await connected(gateway);
      const round = async (name: string) => {
        const beforeMib = gateway.residentMib(), left = server.left;
        const calls = Array.from({ length: DRIPPING }, async (_, i) => {
          const startMs = performance.now();
          const end = await callTool(client, "write", `${name}-${i}`);
          return { end, tookMs: performance.now() - startMs };
        });
        const ends = await bounded(Promise.all(calls), "the deadlines");
        await until(() => server.left === left + DRIPPING, "the answers to be given up");
        return { ends, grownMib: gateway.peakResidentMib() - beforeMib };
      };
      const first = await round("first"); // so many connections at once have never been there before
      const { ends, grownMib } = await round("second");
      const tookMs = [...first.ends, ...ends].map(({ tookMs }) => tookMs);
      figures(`A3, ${form}`, {
        calls: tookMs.length,
        minMs: Math.min(...tookMs),
        p95Ms: quantile(tookMs, 0.95),
        maxMs: Math.max(...tookMs),
        firstGrownMib: first.grownMib,
        grownMib,
      });
      for (const { end } of [...first.ends, ...ends]) assert.equal(end, "-31002 200");
      for (const ms of tookMs) assert.ok(ms > DEADLINE_MS - 300 && ms < 3 * DEADLINE_MS, `${ms}`);
      assert.ok(grownMib <= GROWN_MIB_MAX, `grown by ${grownMib} MiB`);
      assert.equal(server.begun, 2 * DRIPPING);
      assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    },
  });
}

Deno.test({
  name:
    "serve tells exactly the calls whose answers are reset, repeats what reads once, and nothing else",
  ignore,
  async fn() {
    await using server = await EndpointProcess.start();
    const due = new Set<string>();
    let resets = 0;
    await using proxy = await cuttingProxy(server.port, (text, cut) => {
      for (const nonce of due) {
        if (!text.includes(`"${nonce}"`) && !text.includes(`\\"${nonce}\\"`)) continue;
        due.delete(nonce);
        resets++;
        cut(60);
        return;
      }
    });
    await using gateway = await gatewayOf({
      upstream: { url: `http://127.0.0.1:${proxy.port}/mcp` },
      settings: { breaker: { failures: 10_000, errorRate: 1 } },
    });
    using client = await connected(gateway);
    assert.equal(await listTools(client), 0);
    const ends = new Map<string, string>();
    const lane = async (lane: number) => {
      for (let i = 0; i < 20; i++) {
        for (const tool of ["write", "read"]) {
          const nonce = `${tool}-${lane}-${i}`;
          if (i % 10 === lane % 10) due.add(nonce);
          ends.set(nonce, await callTool(client, tool, nonce));
        }
      }
    };
    await bounded(Promise.all(Array.from({ length: 10 }, (_, i) => lane(i))), "all answers");
    assert.equal(resets, 40); // 1 of 10
    const failed = [...ends].filter(([nonce, end]) => end !== nonce);
    assert.deepEqual(new Set(failed.map(([, end]) => end)), new Set(["-31001 unknown"]));
    const cut = [...ends.keys()].filter((nonce) => {
      const [tool, lane, i] = nonce.split("-");
      return tool === "write" && Number(i) % 10 === Number(lane) % 10;
    });
    assert.deepEqual(failed.map(([nonce]) => nonce).sort(), cut.sort());
    const writes = server.nonces("write"), reads = server.nonces("read");
    assert.deepEqual([writes.length, new Set(writes).size], [200, 200]);
    assert.deepEqual([reads.length, new Set(reads).size], [220, 200]);
    assert.equal(await gateway.metric("sluice_resent_calls_total"), 20);
    figures("A5", { answers: ends.size, resets, failed: failed.length, resent: 20 });
  },
});
