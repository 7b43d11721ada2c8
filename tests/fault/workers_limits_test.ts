import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { GatewayProcess } from "../fixtures/gateway_process.ts";
import { ask, startWorkers, textOf, workerOf } from "../fixtures/workers_scene.ts";

const ignore = Deno.build.os !== "linux";
const WORKERS = 3;

/** A gateway of several workers with these settings, behind a proxy that it believes. */
function test(
  name: string,
  settings: Readonly<Record<string, unknown>>,
  act: (gateway: GatewayProcess) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir();
      const config = join(folder, "sluice.json");
      const sluice = {
        upstreams: { echo: { url: "builtin:echo" } },
        http: { trustedProxies: ["127.0.0.1"] },
        ...settings,
      };
      await Deno.writeTextFile(config, JSON.stringify({ sluice }));
      {
        await using gateway = await startWorkers(WORKERS, { args: ["--config", config] });
        await act(gateway);
      }
      await Deno.remove(folder, { recursive: true });
    },
  });
}

const INITIALIZE = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  },
});

/** A handshake over a connection of its own: any worker may get it. */
async function initialize(gateway: GatewayProcess, who: Readonly<Record<string, string>>) {
  const answer = await ask(gateway.url, "POST", {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...who,
  }, INITIALIZE);
  await textOf(answer);
  const id = answer.headers["mcp-session-id"] as string | undefined;
  return { status: answer.statusCode!, id, retryAfter: answer.headers["retry-after"] };
}

const KEYS = ["ann", "ben", "cat", "dan"];
/** A token comes back after 12 s: long after the calls of one key. */
const RATED = {
  rate: { tiers: { few: 5 } },
  auth: {
    clients: Object.fromEntries(KEYS.map((key) => {
      const digest = createHash("sha256").update(key).digest("hex");
      return [key, { keys: { only: `sha256:${digest}` }, tier: "few" }];
    })),
  },
};

test("the rate of a client is one for all workers", RATED, async (gateway) => {
  const workers = new Set<number>();
  for (const key of KEYS) {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => initialize(gateway, { "x-api-key": key })),
    );
    const admitted = answers.filter(({ status }) => status === 200);
    assert.equal(admitted.length, 5, key);
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 35);
    assert.ok(refused.every(({ retryAfter }) => Number(retryAfter) > 0));
    for (const { id } of admitted) workers.add(workerOf(id!));
  }
  assert.ok(workers.size > 1, "several workers had a part in it");
  assert.equal(await gateway.metric('sluice_rate_limited_total{principal_tier="few"}'), 140);
});

const ADDRESS = { "x-forwarded-for": "192.0.2.1" };
const FEW = { rate: { enabled: false }, limits: { sessionsPerPrincipal: 10 } };

test("the sessions of a client are counted over all workers", FEW, async (gateway) => {
  const opened: string[] = [];
  const open = async (count: number) => {
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const { status, id } = await initialize(gateway, ADDRESS);
      if (status === 200) opened.push(id!);
      else {
        assert.equal(status, 429);
        refused++;
      }
    }
    return refused;
  };
  assert.equal(await open(25), 15);
  assert.ok(new Set(opened.map(workerOf)).size > 1, "several workers had a part in it");
  for (const id of opened.splice(0, 3)) {
    await textOf(
      await ask(gateway.url, "DELETE", {
        "mcp-session-id": id,
        "x-forwarded-for": "192.0.2.1",
      }),
    );
  }
  assert.equal(await open(5), 2, "what was given back can be had again");
  assert.equal(
    (await initialize(gateway, { "x-forwarded-for": "192.0.2.2" })).status,
    200,
    "others are not concerned",
  );
});
