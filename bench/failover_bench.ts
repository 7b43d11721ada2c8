/**
 * How long calls wait when the server in use is killed: `deno run -A bench/failover_bench.ts [ROUNDS]`.
 *
 * In each round a client calls one tool after the other, 200 a second, over a gateway with two WebSocket
 * servers; the primary is killed, and started again. Printed is the time from the kill to the first answer to a
 * call that was begun after it, and how the calls of all rounds have ended.
 *
 * @module
 */
import { EndpointProcess } from "../tests/fixtures/endpoint_process.ts";
import {
  callTool,
  connected,
  gatewayOf,
  listTools,
  Load,
} from "../tests/fixtures/failover_scene.ts";
import { until } from "../tests/fixtures/gateway_process.ts";

const rounds = Number(Deno.args[0] ?? 30);
const switchesMs: number[] = [];

for (const scheme of ["ws", "http"] as const) {
  switchesMs.length = 0;
  await using primary = await EndpointProcess.start();
  await using fallback = await EndpointProcess.start();
  await using gateway = await gatewayOf({
    upstream: { endpoints: [{ url: primary[scheme] }, { url: fallback[scheme] }] },
    settings: {
      failover: { checkMs: 100, steadyMs: 100, switchMs: 100, windowMs: 1000 },
      breaker: { openMs: 200 },
      log: { level: "error" },
    },
  });
  using client = await connected(gateway);
  await listTools(client);
  const reads = new Load(client, "read", 100), writes = new Load(client, "write", 100);
  for (let round = 0; round < rounds; round++) {
    const before = primary.nonces("write").length;
    await until(() => primary.nonces("write").length > before + 10, "calls over the primary");
    await primary.kill();
    const startMs = performance.now();
    await callTool(client, "read", `switch-${round}`);
    switchesMs.push(performance.now() - startMs);
    await primary.restart();
  }
  const tallies = [await reads.stop(), await writes.stop()];
  const ends = tallies.map(({ ok, failed }) => ({
    ok: ok.size,
    ...Object.fromEntries([...failed].map(([kind, nonces]) => [kind, nonces.length])),
  }));
  switchesMs.sort((a, b) => a - b);
  const at = (share: number) => switchesMs[Math.ceil(share * rounds) - 1].toFixed(1);
  console.log(`${scheme}: ${rounds} kills; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  console.log(`  without effects ${JSON.stringify(ends[0])}, with ${JSON.stringify(ends[1])}`);
}
