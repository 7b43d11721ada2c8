import assert from "node:assert/strict";
import { mayCallLibc } from "../../../lib/shm/libc.ts";
import { openPreadReader } from "../../../lib/shm/pread_reader.ts";
import { SnapshotView } from "../../../lib/shm/reader_view.ts";
import { fullFault } from "../../../lib/shm/verify.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import {
  C_COMPILER,
  compileReader,
  denoFixture,
  findProgram,
  fixture,
  NODE,
  Peer,
  ShmFolder,
  skipping,
} from "../../fixtures/shm_scene.ts";

/** Enough that every reader meets hundreds of replacements; the full load runs for a minute with more. */
const PUBLISHES = Number(Deno.env.get("SLUICE_SHM_PUBLISHES") ?? 4000);
const KILLS = Number(Deno.env.get("SLUICE_SHM_KILLS") ?? 200);
const SEED = Number(Deno.env.get("SLUICE_SHM_SEED") ?? 20261120);
/** Older than this is stale. */
const STALE_MS = 2000;
/** Publishes of a writer that is traced; the second also marks the first one's file. */
const TRACED_PUBLISHES = 2;

/** What a reader in a loop has seen. */
interface Seen {
  readonly name: string;
  readonly reads: number;
  readonly torn: number;
  readonly oldestMs: number;
}

const UNIX = Deno.build.os !== "windows";
const STRACE = findProgram("strace");

/** Command lines of all readers that can run here. */
async function readers(path: string, folder: string): Promise<Map<string, string[]>> {
  const found = new Map([
    ["pread", denoFixture("shm_deno_peer.ts", "pread", path)],
    ["published", denoFixture("shm_deno_peer.ts", "published", path)],
  ]);
  if (!skipping("the mmap reader", mayCallLibc() ? undefined : "it takes Linux and FFI")) {
    found.set("mmap", denoFixture("shm_deno_peer.ts", "mmap", path));
  }
  if (!skipping("the Node reader", NODE === undefined ? "there is no node" : undefined)) {
    found.set("node", [NODE!, fixture("shm_node_peer.mjs"), path, "loop"]);
  }
  if (!skipping("the C reader", C_COMPILER === undefined ? "there is no C compiler" : undefined)) {
    found.set("c", [await compileReader(folder), path, "loop", "record-3"]);
  }
  return found;
}

/**
 * Runs all readers while `act` runs; gives what they have seen.
 *
 * @param niceness of the readers, which spin: 10 lets everybody else go first
 */
async function whileReading(
  path: string,
  folder: string,
  niceness: number,
  act: () => Promise<void>,
): Promise<Seen[]> {
  await using stack = new AsyncDisposableStack();
  const peers = [...await readers(path, folder)].map(([name, command]) => {
    return { name, peer: stack.use(new Peer(["nice", "-n", String(niceness), ...command])) };
  });
  await act();
  return await Promise.all(peers.map(async ({ name, peer }) => {
    await peer.closeInput();
    return { name, ...JSON.parse((await peer.line())!) };
  }));
}

function writer(path: string, count: number, ...more: string[]): string[] {
  return denoFixture("shm_writer.ts", path, String(count), ...more);
}

async function runsToEnd(path: string): Promise<void> {
  await using peer = new Peer(writer(path, 1));
  const lines = [await peer.line(), await peer.line(), await peer.line()];
  assert.deepEqual(lines, ["ready", "published", "done"]);
  assert.equal((await bounded(peer.child.status, "the end of a writer")).code, 0);
}

Deno.test({
  name: "no reader sees a mixed record of a writer at full rate",
  ignore: !UNIX,
  async fn() {
    using folder = new ShmFolder();
    const path = folder.file();
    await runsToEnd(path);
    const seen = await whileReading(path, folder.path, 0, async () => {
      await using peer = new Peer(writer(path, PUBLISHES));
      while (await peer.line() !== "done");
    });
    for (const { name, reads, torn, oldestMs } of seen) {
      console.log(`${name}: ${reads} reads, ${torn} torn, oldest ${oldestMs} ms`);
      assert.ok(reads > 100, `${name} has read ${reads} times`);
      assert.equal(torn, 0, name);
    }
  },
});

Deno.test({
  name: "readers follow a writer at full rate within the staleness bound",
  ignore: !UNIX,
  async fn() {
    using folder = new ShmFolder();
    const path = folder.file();
    await using peer = new Peer(writer(path, 0));
    assert.deepEqual([await peer.line(), await peer.line()], ["ready", "published"]);
    const seen = await whileReading(path, folder.path, 0, async () => {
      using reader = openPreadReader(path);
      const from = reader.info().header!.sequence;
      while (reader.info().header!.sequence < from + PUBLISHES / 4) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (const { name, reads, torn, oldestMs } of seen) {
      console.log(`${name}: ${reads} reads, ${torn} torn, oldest ${oldestMs} ms`);
      assert.ok(reads > 0 && torn === 0, `${name}: ${reads} reads, ${torn} torn`);
      assert.ok(oldestMs < STALE_MS, `${name}: ${oldestMs} ms old`);
    }
  },
});

Deno.test({
  name: "a writer killed at any time leaves a whole snapshot, and the next one takes over",
  ignore: !UNIX,
  async fn() {
    using folder = new ShmFolder();
    const path = folder.file();
    const random = generator(SEED);
    await runsToEnd(path);
    let last = sequenceOf(path);
    const start = () => new Peer(writer(path, 0, "wait"));
    const seen = await whileReading(path, folder.path, 10, async () => {
      let next = start();
      for (let kill = 0; kill < KILLS; kill++) {
        await using peer = next;
        next = start(); // starts up while this one writes
        await peer.tell("go");
        assert.equal(await peer.line(), "ready", `seed ${SEED}, writer ${kill} has the lock`);
        // Somewhere in its first hundreds of snapshots.
        for (let turns = random() % 400; turns > 0; turns--) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.equal((await peer.kill()).signal, "SIGKILL");
        const sequence = sequenceOf(path);
        assert.ok(sequence >= last, `seed ${SEED}, kill ${kill}: ${sequence} after ${last}`);
        last = sequence;
      }
      await next[Symbol.asyncDispose]();
    });
    for (const { name, reads, torn } of seen) {
      assert.ok(reads > 0 && torn === 0, `${name}: ${reads} reads, ${torn} torn, seed ${SEED}`);
    }
    await runsToEnd(path);
    assert.ok(sequenceOf(path) > last);
    assert.deepEqual(namesIn(folder), ["export.bin", "export.bin.lock"], "nothing is left over");
  },
});

const CALLS = ["openat", "statx", "fchmod", "pread64", "pwrite64", "rename", "unlink", "close"];
const withoutStrace = STRACE === undefined ? "there is no strace" : undefined;

Deno.test({
  name: "a writer killed at each of its system calls leaves a whole snapshot or none",
  ignore: !UNIX || skipping("kills at system calls", withoutStrace),
  async fn() {
    let kills = 0;
    for (const call of CALLS) {
      for (let when = 1; await survivesKill(call, when); when++) kills++;
    }
    console.log(`${kills} kills at system calls`);
    assert.ok(kills >= 5 * TRACED_PUBLISHES, `only ${kills} kills: does strace work here?`);
  },
});

/** Kills a writer at the `when`th call of a kind on its files; `false` when it does not make that many. */
async function survivesKill(call: string, when: number): Promise<boolean> {
  using folder = new ShmFolder();
  const path = folder.file();
  await runsToEnd(path);
  using before = openPreadReader(path, { checkIntervalMs: 0 });
  const first = before.info().header!.sequence;
  const files = [path, `${path}.tmp`].flatMap((name) => ["-P", name]);
  const inject = `inject=${call}:signal=KILL:when=${when}`;
  const { signal, stderr } = await new Deno.Command("strace", {
    args: [
      "-f",
      "-qq",
      ...files,
      "-e",
      inject,
      "-o",
      "/dev/null",
      ...writer(path, TRACED_PUBLISHES),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const told = new TextDecoder().decode(stderr);
  assert.equal(told, "", `strace: ${told}`);
  const sequence = sequenceOf(path);
  assert.ok(sequence >= first && sequence <= first + TRACED_PUBLISHES, `${call} ${when}`);
  assert.equal(before.info().header?.sequence, sequence, "a reader that was there follows");
  await runsToEnd(path);
  assert.equal(sequenceOf(path), sequence + 1);
  assert.deepEqual(namesIn(folder), ["export.bin", "export.bin.lock"]);
  return signal === "SIGKILL";
}

/** Sequence of the snapshot at a path, which must be whole. */
function sequenceOf(path: string): number {
  const bytes = Deno.readFileSync(path);
  assert.equal(fullFault(bytes), undefined);
  return new SnapshotView(bytes).header.sequence;
}

function namesIn(folder: ShmFolder): string[] {
  const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
  return names.filter((name) => name.startsWith("export")).sort();
}

/** The same numbers for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let value = Math.imul(state ^ state >>> 15, 1 | state);
    value = value + Math.imul(value ^ value >>> 7, 61 | value) ^ value;
    return (value ^ value >>> 14) >>> 0;
  };
}
