import assert from "node:assert/strict";
import { run } from "../../../cli/commands.ts";
import { inspectShm } from "../../../cli/inspect_shm.ts";
import { Publisher } from "../../../lib/shm/publisher.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { encodeAll, ShmFolder } from "../../fixtures/shm_scene.ts";

const ENTRIES = encodeAll([
  { type: "tool", key: "echo", data: '{\n  "name": "echo\u001b[31m"\n}', metadata: { hits: 5 } },
  { type: "resource", key: "file:///x", data: new Uint8Array([255, 0]) },
]);

async function inspectShmOf(...argv: string[]) {
  let stdout = "";
  let stderr = "";
  const code = await run(["inspect-shm", ...argv], {
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
  });
  return { code, stdout, stderr };
}

Deno.test("inspect-shm prints a table of the entries", async () => {
  using folder = new ShmFolder();
  using publisher = new Publisher(folder.file());
  publisher.publish(ENTRIES);
  const { code, stdout, stderr } = await inspectShmOf(folder.file());
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /: extended layout, 2 entries, \d+ bytes, 0\.0 % fragmented\n/);
  assert.match(stdout, /\nsnapshot 1 of writer 1 \(process \d+\), \d+\.\d s old, live\n/);
  assert.match(stdout, /│ tool +│ echo +│ +25 │ +\d+\.\d s │ {"hits":5} +│/);
  assert.match(stdout, /│ resource │ file:\/\/\/x │ +2 │/);
});

Deno.test("inspect-shm --key prints data and metadata, and nothing that a terminal would obey", async () => {
  using folder = new ShmFolder();
  using publisher = new Publisher(folder.file());
  publisher.publish(ENTRIES);
  const { code, stdout } = await inspectShmOf(folder.file(), "--key", "tool:echo");
  assert.equal(code, 0);
  const [head, ...rest] = stdout.split("\n");
  assert.match(head, /^tool echo: 25 bytes at 1024, /);
  assert.deepEqual(rest, ['metadata: {"hits":5}', "{", '  "name": "echo?[31m"', "}", ""]);
  const missing = await inspectShmOf(folder.file(), "--key", "nothing");
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^sluice: Cannot find nothing: .* does not hold it; /);
  const json = await inspectShmOf(folder.file(), "--key", "file:///x", "--json");
  assert.equal(JSON.parse(json.stdout)[0].dataBase64, "/wA=");
});

Deno.test("inspect-shm --verify ends with 1 and the offset when a byte is wrong", async () => {
  using folder = new ShmFolder();
  const path = folder.file();
  using publisher = new Publisher(path);
  publisher.publish(ENTRIES);
  const good = await inspectShmOf(path, "--verify");
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.match(good.stdout, /: extended layout, 2 entries: all is well\n$/);
  const bytes = Deno.readFileSync(path);
  bytes[1040] ^= 1; // in the data of an entry: only the sum tells
  Deno.writeFileSync(path, bytes);
  const bad = await inspectShmOf(path, "--verify");
  assert.equal(bad.code, 1);
  assert.match(
    bad.stdout,
    /: wrong at offset 1016: the crc32 is [0-9a-f]{8}, that of the content /,
  );
  const json = await inspectShmOf(path, "--verify", "--json");
  assert.deepEqual([json.code, JSON.parse(json.stdout).fault.offset], [1, 1016]);
});

Deno.test("inspect-shm fails with one line when there is no export", async () => {
  using folder = new ShmFolder();
  const missing = await inspectShmOf(folder.file());
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(
    missing.stderr,
    /^sluice: Cannot read .*: there is no such file; start sluice serve/,
  );
  Deno.writeTextFileSync(folder.file(), "hello");
  const other = await inspectShmOf(folder.file());
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^sluice: Cannot inspect export: it has no ERLMCP01 magic/);
});

Deno.test("inspect-shm --watch prints each snapshot until it is stopped", async () => {
  using folder = new ShmFolder();
  const stop = new AbortController();
  const printed: string[] = [];
  let wanted = Promise.withResolvers<void>();
  const output = {
    stdout: (text: string) => {
      printed.push(text);
      wanted.resolve();
    },
    stderr: () => {},
  };
  const next = async () => {
    await bounded(wanted.promise, "a change on the screen");
    wanted = Promise.withResolvers();
  };
  const watching = inspectShm(folder.file(), { watch: true, json: true }, output, stop.signal);
  await next();
  {
    using publisher = new Publisher(folder.file());
    publisher.publish(ENTRIES);
    await next();
    publisher.publish(ENTRIES);
    await next();
  }
  await next();
  stop.abort();
  assert.equal(await watching, 0);
  const seen = printed.map((line) => JSON.parse(line)).map((at) =>
    at.header?.sequence ?? at.failure
  );
  assert.deepEqual(seen, ["missing", 1, 2, "missing"]);
});
