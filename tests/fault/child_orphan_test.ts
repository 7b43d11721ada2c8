import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { allGone, bounded, isRunning } from "../fixtures/child_wait.ts";
import { startStdioPeer, type StdioPeer } from "../fixtures/stdio_peer.ts";

const fixture = fileURLToPath(new URL("../fixtures/child_parent.ts", import.meta.url));
/** Nominally all is gone 2 s after the parent; three times that for a busy machine. */
const GONE_MS = 6_000;
const NOTHING = '{"jsonrpc":"2.0","method":"started"}';

/** Children that report their processes in a file, and end neither at EOF nor by SIGTERM. */
function stubborn(path: string): string {
  return `trap '' TERM; (trap '' TERM; exec sleep 1000) & a=$!; setsid sleep 1000 & b=$!
    echo "$$ $a $b" >> ${path}; echo '${NOTHING}'; while :; do sleep 0.05; done`;
}

async function startParent(...scripts: string[]): Promise<StdioPeer> {
  const args = ["run", "-A", fixture, ...scripts];
  const parent = startStdioPeer({ program: Deno.execPath(), args });
  assert.equal(await parent.nextLine(), "ready");
  return parent;
}

async function pidsIn(path: string): Promise<number[]> {
  return (await Deno.readTextFile(path)).trim().split(/\s+/).map(Number);
}

/** Processes started by a process, by its id. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  return text.trim().split(" ").filter((word) => word !== "").map(Number);
}

for (const how of ["SIGKILL", "SIGABRT"] as const) {
  Deno.test({
    name: `nothing outlives a gateway ended by ${how}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const path = await Deno.makeTempFile();
      await using parent = await startParent(
        stubborn(path),
        stubborn(path),
        `echo '${NOTHING}'; exec cat`,
      );
      const pids = [...await pidsIn(path), ...await childrenOf(parent.pid)];
      assert.ok(pids.length >= 6 && pids.every(isRunning), `${pids}`);
      Deno.kill(parent.pid, how);
      await bounded(parent.status, "the end of the parent");
      await allGone(pids, GONE_MS);
      await Deno.remove(path);
    },
  });
}

Deno.test({
  name: "nothing outlives a gateway that exits without disposing its children",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = await Deno.makeTempFile();
    await using parent = await startParent(stubborn(path));
    const pids = [...await pidsIn(path), ...await childrenOf(parent.pid)];
    await parent.closeInput();
    assert.equal((await bounded(parent.status, "the end of the parent")).code, 0);
    assert.equal(await parent.log, ""); // ends with the parent: nobody else holds its stderr
    await allGone(pids, GONE_MS);
    await Deno.remove(path);
  },
});

Deno.test({
  name: "the watchdog survives SIGINT and SIGTERM, and ends the children when it is its turn",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = await Deno.makeTempFile();
    await using parent = await startParent(stubborn(path));
    const pids = await pidsIn(path);
    const [, ...rest] = [parent.pid, ...await childrenOf(parent.pid)];
    const watchdog = rest.find((pid) => !pids.includes(pid))!;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.kill(watchdog, signal);
    assert.notEqual(await sessionOf(watchdog), await sessionOf(parent.pid));
    assert.notEqual(await sessionOf(watchdog), await sessionOf(pids[0]));
    Deno.kill(parent.pid, "SIGKILL");
    await bounded(parent.status, "the end of the parent");
    await allGone([...pids, watchdog], GONE_MS);
    await Deno.remove(path);
  },
});

async function sessionOf(pid: number): Promise<string> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3];
}
