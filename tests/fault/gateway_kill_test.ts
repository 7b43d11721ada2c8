import assert from "node:assert/strict";
import { allGone, bounded, isRunning } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import {
  childrenOf,
  GatewayProcess,
  MARK_VARIABLE,
  markedProcesses,
  sluiceCommand,
  until,
} from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";

/** Nominally all is gone 2 s after the gateway; three times that for a busy machine. */
const GONE_MS = 6_000;
/** What each server is made to start: one process in its own group, one in a session of its own. */
const SPAWNS = ["spawn", "spawn-setsid"];
const SESSIONS = 4;

const ignore = Deno.build.os !== "linux";

for (const [how, signal] of [["killed", "SIGKILL"], ["asked to end", "SIGTERM"]] as const) {
  Deno.test({
    name: `no child and no grandchild outlives a serve under load that is ${how}`,
    ignore,
    async fn() {
      await using gateway = await GatewayProcess.start({
        command: faultyServer(),
        env: { SLUICE_LIMITS_DRAIN_MS: "500" },
      });
      const clients = Array.from({ length: SESSIONS }, () => new GatewayClient(gateway.url));
      await Promise.all(clients.map((client) => startLoad(client)));
      await until(
        () => gateway.descendants().length === 3 * SESSIONS,
        "all processes of all sessions",
      );
      const pids = [...new Set([...gateway.descendants(), ...childrenOf(gateway.pid)])];
      assert.equal(pids.length, 3 * SESSIONS + 1); // the watchdog
      gateway.signal(signal);
      const { code } = await bounded(gateway.status, "the end of the gateway");
      if (signal === "SIGTERM") {
        assert.equal(code, 0);
        assert.deepEqual(pids.filter(isRunning), []);
      }
      await allGone(pids, GONE_MS);
      assert.deepEqual(gateway.descendants(), []);
      for (const client of clients) client[Symbol.dispose]();
    },
  });

  Deno.test({
    name: `no child and no grandchild outlives a proxy under load that is ${how}`,
    ignore,
    async fn() {
      const mark = crypto.randomUUID();
      const env = { [MARK_VARIABLE]: mark, SLUICE_LIMITS_DRAIN_MS: "500" };
      await using proxy = startStdioPeer(sluiceCommand("proxy", { command: faultyServer(), env }));
      await proxy.initialize();
      for (const fault of SPAWNS) {
        await proxy.request("tools/call", { name: "echo", arguments: { fault } });
      }
      for (let id = 0; id < 50; id++) {
        const params = { name: "echo", arguments: { ms: 60_000 } };
        await proxy.sendLine(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
      }
      const pids = [
        ...new Set([...markedProcesses(mark), ...childrenOf(proxy.pid)]),
      ].filter((pid) => pid !== proxy.pid);
      assert.equal(pids.length, 4);
      Deno.kill(proxy.pid, signal);
      const { code } = await bounded(proxy.status, "the end of the proxy");
      if (signal === "SIGTERM") {
        assert.equal(code, 0);
        assert.deepEqual(pids.filter(isRunning), []);
      }
      await allGone(pids, GONE_MS);
      assert.deepEqual(markedProcesses(mark), []);
    },
  });
}

/** Gives a session's server its grandchildren, and calls that never end. */
async function startLoad(client: GatewayClient): Promise<void> {
  await client.initialize();
  for (const fault of SPAWNS) await client.call(`"${fault}"`, { fault });
  for (let id = 0; id < 20; id++) client.call(String(id), { ms: 60_000 });
}
