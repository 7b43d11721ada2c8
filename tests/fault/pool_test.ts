import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../fixtures/child_wait.ts";
import { sluice } from "../fixtures/sluice.ts";
import { type Answer, startStdioPeer, type StdioPeer } from "../fixtures/stdio_peer.ts";

const SERVER = fileURLToPath(new URL("../fixtures/blocking_server.ts", import.meta.url));

/** A gateway whose only server is a pool of processes, a client of it, and a folder. */
async function scene(pool: object): Promise<AsyncDisposable & { peer: StdioPeer; folder: string }> {
  const folder = await Deno.makeTempDir();
  const args = ["run", "-A", "--quiet", "--no-config", SERVER];
  const blocking = { command: Deno.execPath(), args, pool, era: "legacy" };
  const config = `${folder}/sluice.json`;
  await Deno.writeTextFile(config, JSON.stringify({ sluice: { upstreams: { blocking } } }));
  const peer = startStdioPeer(sluice("serve", "--config", config, "--listen", "stdio:"));
  await peer.initialize();
  return {
    peer,
    folder,
    async [Symbol.asyncDispose]() {
      await peer.closeInput();
      await bounded(peer.status, "the end of the gateway");
      await peer[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function call(peer: StdioPeer, id: number, name: string, args: object): Promise<void> {
  const params = { name, arguments: args };
  await peer.sendLine(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
}

async function answers(peer: StdioPeer, count: number): Promise<Map<number, Answer>> {
  const found = new Map<number, Answer>();
  while (found.size < count) {
    const answer: Answer = JSON.parse(await peer.nextLine());
    found.set(answer.id as number, answer);
  }
  return found;
}

async function subfolder(folder: string, name: string): Promise<string> {
  await Deno.mkdir(`${folder}/${name}`);
  return `${folder}/${name}`;
}

/** Processes that have entered a folder, once there are so many. */
async function entered(folder: string, count: number): Promise<number[]> {
  const watcher = Deno.watchFs(folder);
  const pids = () => [...Deno.readDirSync(folder)].map(({ name }) => Number(name));
  try {
    if (pids().length >= count) return pids();
    const all = (async () => {
      for await (const _ of watcher) if (pids().length >= count) return;
    })();
    await bounded(all, `${count} processes`);
    return pids();
  } finally {
    watcher.close();
  }
}

Deno.test("calls that block their process run in ten processes at once", async () => {
  await using it = await scene({ min: 10, max: 10, callsPerMember: 1 });
  const folder = await subfolder(it.folder, "met");
  for (let id = 0; id < 10; id++) await call(it.peer, id, "meet", { folder, count: 10 });
  const pids = [...(await answers(it.peer, 10)).values()].map(({ result }) =>
    result.content[0].text
  );
  assert.equal(new Set(pids).size, 10);
});

Deno.test("a process that dies costs its own call, none that waits, and is replaced", async () => {
  await using it = await scene({ min: 3, max: 3, callsPerMember: 1 });
  const held = await subfolder(it.folder, "held");
  for (let id = 0; id < 3; id++) await call(it.peer, id, "hold", { folder: held });
  const [victim] = await entered(held, 3);
  for (let id = 3; id < 10; id++) await call(it.peer, id, "block", { ms: 1 });
  Deno.kill(victim, "SIGKILL");
  await Deno.writeTextFile(`${held}/release`, "");
  const all = [...(await answers(it.peer, 10)).values()];
  const failed = all.filter(({ error }) => error !== undefined);
  assert.equal(failed.length, 1);
  assert.ok((failed[0].id as number) < 3);
  assert.equal(failed[0].error!.code, -31001);
  assert.deepEqual(failed[0].error!.data, { outcome: "unknown" });
  const met = await subfolder(it.folder, "met");
  for (let id = 10; id < 13; id++) await call(it.peer, id, "meet", { folder: met, count: 3 });
  const pids = [...(await answers(it.peer, 3)).values()].map(({ result }) =>
    result.content[0].text
  );
  assert.equal(new Set(pids).size, 3);
  assert.ok(!pids.includes(String(victim)));
});
