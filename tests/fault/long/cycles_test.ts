import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { figures } from "../../fixtures/figures.ts";
import { GatewayClient } from "../../fixtures/gateway_client.ts";
import { type Holdings, holdingsOf, settled } from "../../fixtures/gateway_load.ts";
import { GatewayProcess, until } from "../../fixtures/gateway_process.ts";

const SERVER = fileURLToPath(new URL("../../fixtures/small_server.sh", import.meta.url));
const NAMES = ["one", "two", "three"];
const ROUNDS = 5, CYCLES = 400, AT_ONCE = 8;
/** 2,000 cycles take 100 to 240 s on two cores; no round begins after this, but the first three always do, ms. */
const BOX_MS = 150_000, ROUNDS_MIN = 3;
/** Level: what the rounds after the second may add, MiB. One page a cycle would be 5. */
const LEVEL_MIB = 40;
const SETTLE_MS = 90_000;

/** One session: the handshake, the list, a call to each server, the end. Adds the servers' processes. */
async function cycle(url: string, pids: Set<string>): Promise<void> {
  using client = new GatewayClient(url);
  assert.equal((await client.initialize()).status, 200);
  const { messages } = await client.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
  const tools: { name: string }[] = messages.at(-1).result.tools;
  assert.deepEqual(tools.map(({ name }) => name), NAMES.map((name) => `${name}__echo`));
  const answers = await Promise.all(NAMES.map(async (name, id) => {
    const params = { name: `${name}__echo`, arguments: {} };
    const body = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params });
    return (await client.post(body)).messages.at(-1).result.content[0].text as string;
  }));
  for (const [i, answer] of answers.entries()) {
    const [name, pid] = answer.split(" ");
    assert.equal(name, NAMES[i]);
    pids.add(pid);
  }
  assert.equal(await client.end(), 200);
}

async function round(url: string, pids: Set<string>): Promise<void> {
  let left = CYCLES;
  const lane = async () => {
    while (left-- > 0) await cycle(url, pids);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

Deno.test({
  name:
    "serve keeps nothing of up to 2,000 sessions with three servers each: processes, descriptors, memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const file = await Deno.makeTempFile({ suffix: ".json" });
    const own = NAMES.map((name) => [name, { command: "sh", args: [SERVER, name], era: "legacy" }]);
    await Deno.writeTextFile(
      file,
      JSON.stringify({ sluice: { upstreams: Object.fromEntries(own) } }),
    );
    const cache = await Deno.makeTempDir();
    await using gateway = await GatewayProcess.start({
      args: ["--config", file],
      env: { XDG_CACHE_HOME: cache },
    });
    await Deno.remove(file);
    await cycle(gateway.url, new Set());
    await until(() => gateway.descendants().length <= NAMES.length, "the first servers to end");
    const before = holdingsOf(gateway), startMs = performance.now();
    const pids = new Set<string>(), after: Holdings[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      if (i >= ROUNDS_MIN && performance.now() - startMs > BOX_MS) break;
      await round(gateway.url, pids);
      await until(() => gateway.descendants().length <= before.descendants, "the servers to end");
      after.push(holdingsOf(gateway));
    }
    const seconds = (performance.now() - startMs) / 1000;
    const [, second] = after;
    await settled(gateway, { ...before, residentMib: second.residentMib }, LEVEL_MIB, SETTLE_MS);
    figures("2,000 cycles", {
      seconds,
      servers: pids.size,
      before,
      after,
      now: holdingsOf(gateway),
    });
    assert.equal(await gateway.metric("sluice_sessions"), 0);
    assert.equal(await gateway.metric("sluice_children"), before.descendants);
    assert.equal(await gateway.metric("sluice_upstream_restarts_total"), 0);
    assert.equal(await gateway.metric("sluice_unhandled_rejections_total"), 0);
    await Deno.remove(cache, { recursive: true });
  },
});
