import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { GuardedGateway, type Headers } from "../fixtures/guarded_gateway.ts";

const KEYS = ["alice", "bob"];
const AUTH = {
  clients: Object.fromEntries(KEYS.map((key) => {
    const digest = createHash("sha256").update(key).digest("hex");
    return [key, { keys: { only: `sha256:${digest}` } }];
  })),
};
const INITIALIZE = {
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  },
};
const AT_ONCE = 50;

/** How often a flood of handshakes was answered with each status, and the ids that were given. */
async function flood(gateway: GuardedGateway, count: number, headers: Headers) {
  const statuses = new Map<number, number>();
  const ids: string[] = [];
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => gateway.post(INITIALIZE, headers)),
    );
    for (const { status, headers: given } of answers) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const id = given.get("mcp-session-id");
      if (id !== null) ids.push(id);
    }
  }
  return { statuses: Object.fromEntries(statuses), ids };
}

Deno.test("a flood of handshakes opens no more sessions than one client may have", async () => {
  await using gateway = await GuardedGateway.start({
    auth: AUTH,
    suspicion: { enabled: false },
    limits: { sessionIdleMs: 600_000 },
  });
  const nobody = await flood(gateway, 1000, {});
  assert.deepEqual(nobody, { statuses: { 401: 1000 }, ids: [] });
  const alice = await flood(gateway, 1000, { "x-api-key": "alice" });
  assert.deepEqual(alice.statuses, { 200: 100, 429: 900 });
  assert.equal(await gateway.metric("sluice_sessions"), 100);
  assert.equal((await gateway.post(INITIALIZE, { "x-api-key": "bob" })).status, 200);
  const ended = await fetch(gateway.url(), {
    method: "DELETE",
    headers: { "x-api-key": "alice", "mcp-session-id": alice.ids[0] },
  });
  await ended.body?.cancel();
  assert.equal((await gateway.post(INITIALIZE, { "x-api-key": "alice" })).status, 200);
  assert.equal((await gateway.post(INITIALIZE, { "x-api-key": "alice" })).status, 429);
});

Deno.test("sessions that nobody uses make room again", async () => {
  await using gateway = await GuardedGateway.start({
    auth: AUTH,
    limits: { sessionsPerPrincipal: 3, sessionIdleMs: 100 },
  });
  const alice = { "x-api-key": "alice" };
  for (let round = 0; round < 3; round++) {
    const statuses: number[] = [];
    while (statuses.length < 3 || statuses.at(-1) !== 200) { // at the latest when the first has ended
      statuses.push((await gateway.post(INITIALIZE, alice)).status);
      if (statuses.length > 10_000) throw new Error(`no room: ${statuses.slice(-5)}`);
    }
    assert.ok(statuses.every((status) => status === 200 || status === 429));
  }
});
