import assert from "node:assert/strict";
import { ShmError, type ShmFailure } from "../../lib/shm/errors.ts";
import { Exporter } from "../../lib/shm/exporter.ts";
import { mayCallLibc } from "../../lib/shm/libc.ts";
import { openMmapReader } from "../../lib/shm/mmap_reader.ts";
import { openExport } from "../../lib/shm/node_reader.mjs";
import { openPreadReader } from "../../lib/shm/pread_reader.ts";
import { Publisher } from "../../lib/shm/publisher.ts";
import {
  denoFixture,
  encodeAll,
  findProgram,
  Peer,
  ShmFolder,
  skipping,
  variedEntries,
} from "../fixtures/shm_scene.ts";

const UNIX = Deno.build.os !== "windows";
const ENTRIES = encodeAll(variedEntries().slice(0, 6));

function unixTest(name: string, act: (folder: ShmFolder) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: !UNIX,
    async fn() {
      using folder = new ShmFolder();
      await act(folder);
    },
  });
}

function failsWith(failure: ShmFailure, why: RegExp) {
  return (thrown: unknown) =>
    thrown instanceof ShmError && thrown.failure === failure && why.test(thrown.message);
}

unixTest(
  "readers accept none of the corrupted headers, and the next snapshot repairs it (S2)",
  (folder) => {
    const path = folder.file();
    using publisher = new Publisher(path);
    publisher.publish(ENTRIES);
    const whole = Deno.readFileSync(path);
    let random = 20261120;
    const nextRandom = (below: number) => {
      random = Math.imul(random, 1103515245) + 12345 & 0x7fffffff;
      return (random >>> 8) % below;
    };
    const flips = Array.from({ length: 64 }, (_, offset) => [offset, 0xff]);
    while (flips.length < 1064) flips.push([nextRandom(whole.length), 1 << nextRandom(8)]);
    let accepted = 0;
    for (const [offset, mask] of flips) {
      // A byte of the state may say "superseded" only: one bit does not make 2 of 1.
      const bytes = whole.slice();
      bytes[offset] ^= mask;
      Deno.writeFileSync(path, bytes);
      using pread = openPreadReader(path);
      if (pread.get("tool", "echo") !== undefined) accepted++;
      const node = openExport(path);
      if (node.get("tool", "echo") !== undefined) accepted++;
      node.close();
      if (!mayCallLibc()) continue;
      using mapped = openMmapReader(path);
      if (mapped.get("tool", "echo") !== undefined) accepted++;
    }
    assert.equal(accepted, 0);
    publisher.publish(ENTRIES);
    using reader = openPreadReader(path);
    assert.ok(reader.get("tool", "echo"));
  },
);

unixTest(
  "a second writer is refused, changes nothing, and may follow when the first is killed (S4)",
  async (folder) => {
    const path = folder.file();
    {
      await using first = new Peer(denoFixture("shm_writer.ts", path, "0"));
      assert.deepEqual([await first.line(), await first.line()], ["ready", "published"]);
      const refused = failsWith("locked", /^Cannot export to .*: another process writes there$/);
      for (let tries = 0; tries < 3; tries++) assert.throws(() => new Publisher(path), refused);
      using reader = openPreadReader(path);
      assert.ok(reader.get("tool", "record-0"));
      await first.kill();
    }
    using publisher = new Publisher(path);
    using reader = openPreadReader(path);
    const { sequence, generation } = reader.info().header!;
    assert.deepEqual({ ...publisher.publish(ENTRIES), bytes: 0, publishedMs: 0 }, {
      ...{ sequence: sequence + 1, generation: generation + 1, bytes: 0, publishedMs: 0 },
    });
  },
);

unixTest("one writer in a process keeps the other out, and lets it in at its end", (folder) => {
  const first = new Publisher(folder.file());
  assert.throws(() => new Publisher(folder.file()), failsWith("locked", /another process/));
  first[Symbol.dispose]();
  new Publisher(folder.file())[Symbol.dispose]();
});

unixTest(
  "a writer repairs what a crash and then damage left, but replaces nobody's file",
  (folder) => {
    const path = folder.file();
    Deno.writeTextFileSync(path, "a letter to my mother");
    assert.throws(() => new Publisher(path), failsWith("refused", /the file there is no export$/));
    assert.throws(() => new Publisher(path), failsWith("refused", /is no export$/), "still not");
    assert.equal(Deno.readTextFileSync(path), "a letter to my mother");
    Deno.removeSync(path);
    new Publisher(path)[Symbol.dispose](); // now the path is known to be ours
    for (const left of ["", "damaged"]) {
      Deno.writeTextFileSync(path, left);
      using publisher = new Publisher(path);
      assert.equal(publisher.publish(ENTRIES).sequence, 1);
      assert.equal(publisher.intact(), true);
    }
  },
);

for (const umask of ["000", "077", "777"]) {
  unixTest(`files belong to their owner alone with umask ${umask} (S5)`, async (folder) => {
    const path = folder.file();
    const command = denoFixture("shm_writer.ts", path, "2");
    const shell = ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"];
    const trace = findProgram("strace") === undefined
      ? []
      : ["strace", "-f", "-qq", "-e", "trace=openat,chmod,fchmod", "-o", folder.file("trace")];
    await using peer = new Peer([...shell, ...trace, ...command]);
    while (await peer.line() !== "done");
    for (const name of [path, `${path}.lock`]) {
      assert.equal(Deno.statSync(name).mode! & 0o777, 0o600, name);
    }
    if (skipping("the trace of modes", trace.length === 0 ? "there is no strace" : undefined)) {
      return;
    }
    await peer.kill();
    const lines = Deno.readTextFileSync(folder.file("trace")).split("\n");
    const created = lines.filter((line) => line.includes(path) && line.includes("O_CREAT"));
    assert.ok(created.length >= 3, "two snapshots and a lock");
    for (const line of created) assert.match(line, /O_NOFOLLOW.*, 0600\)/);
  });
}

/** What somebody may plant where we want to write. */
const PLANTS: Record<string, (at: string, victim: string) => void> = {
  "symbolic link": (at, victim) => Deno.symlinkSync(victim, at),
  "hard link": (at, victim) => Deno.linkSync(victim, at),
  "FIFO": (at) => void new Deno.Command("mkfifo", { args: [at] }).outputSync(),
  "folder": (at) => Deno.mkdirSync(at),
};

for (const [what, plant] of Object.entries(PLANTS)) {
  unixTest(`a planted ${what} is refused and its victim untouched (S6)`, (folder) => {
    const victim = folder.file("victim");
    const path = folder.file();
    Deno.writeTextFileSync(victim, "precious");
    Deno.utimeSync(victim, 1, 1);
    for (const suffix of ["", ".tmp", ".lock"]) {
      if (suffix === ".lock") Deno.removeSync(path + suffix);
      plant(path + suffix, victim);
      assert.throws(() => new Publisher(path), failsWith("refused", /./), `at ${suffix}, before`);
      Deno.removeSync(path + suffix);
      if (suffix === ".lock") continue;
      using publisher = new Publisher(path);
      plant(path + suffix, victim);
      assert.throws(
        () => publisher.publish(ENTRIES),
        failsWith("refused", /./),
        `${suffix}, after`,
      );
      Deno.removeSync(path + suffix);
      publisher.publish(ENTRIES);
    }
    assert.equal(Deno.readTextFileSync(victim), "precious");
    assert.equal(Deno.statSync(victim).mtime!.getTime(), 1000);
  });
}

unixTest("a full file system switches the exporter off with one warning (S7)", (folder) => {
  const mounted = mount(folder.path);
  if (skipping("a full file system", mounted ? undefined : "mounting is not allowed")) return;
  try {
    const path = `${folder.path}/export.bin`;
    const errors: ShmError[] = [];
    using exporter = new Exporter({ path, onOff: (error) => void errors.push(error) });
    exporter.put({ type: "resource", key: "small", data: new Uint8Array(300_000) });
    exporter.flush();
    using reader = openPreadReader(path, { checkIntervalMs: 0 });
    using mapped = mayCallLibc() ? openMmapReader(path) : undefined;
    assert.ok(reader.get("resource", "small"));
    mapped?.get("resource", "small");
    exporter.put({ type: "resource", key: "big", data: new Uint8Array(900_000) });
    exporter.flush();
    assert.equal(exporter.on, false);
    assert.deepEqual(errors.map(({ failure }) => failure), ["full"]);
    assert.match(errors[0].message, /^Cannot write .*No space left/);
    exporter.put({ type: "resource", key: "more", data: "1" });
    exporter.flush();
    assert.equal(errors.length, 1);
    assert.equal(reader.get("resource", "small"), undefined);
    assert.equal(mapped?.get("resource", "small"), undefined);
    assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), [
      "export.bin.lock",
    ]);
  } finally {
    new Deno.Command("umount", { args: ["-l", folder.path] }).outputSync();
  }
});

function mount(path: string): boolean {
  const args = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path];
  try {
    return new Deno.Command("mount", { args, stderr: "null" }).outputSync().success;
  } catch {
    return false; // there is no such program
  }
}
