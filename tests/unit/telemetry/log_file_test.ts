import assert from "node:assert/strict";
import { LogFile } from "../../../lib/telemetry/log_file.ts";
import { createLogger } from "../../../lib/telemetry/logger.ts";
import { FakeDropCounter } from "./fake_sink.ts";

const POSIX = Deno.build.os !== "windows";
const encoder = new TextEncoder();

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "LogFile makes a file for its owner alone, and adds to one that is there",
  ignore: !POSIX,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/a.log`;
      {
        await using file = await LogFile.open(path);
        await file.write(encoder.encode("one\n"));
      }
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      await using file = await LogFile.open(path);
      await file.write(encoder.encode("two\n"));
      assert.equal(await Deno.readTextFile(path), "one\ntwo\n");
    }),
});

Deno.test({
  name: "LogFile begins anew after rotation, when it is told to and by itself",
  ignore: !POSIX,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/a.log`;
      await using file = await LogFile.open(path, 3_600_000);
      await file.write(encoder.encode("one\n"));
      await Deno.rename(path, `${path}.1`);
      await file.write(encoder.encode("two\n"));
      await file.reopen();
      await file.write(encoder.encode("three\n"));
      assert.equal(await Deno.readTextFile(`${path}.1`), "one\ntwo\n");
      assert.equal(await Deno.readTextFile(path), "three\n");
      await using watchful = await LogFile.open(path, 0);
      await Deno.rename(path, `${path}.2`);
      await watchful.write(encoder.encode("four\n"));
      assert.equal(await Deno.readTextFile(path), "four\n");
    }),
});

Deno.test({
  name: "LogFile stays with what it has when it cannot begin anew, and tries again",
  ignore: !POSIX,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/logs/a.log`;
      await Deno.mkdir(`${folder}/logs`);
      await using file = await LogFile.open(path, 3_600_000);
      await Deno.rename(`${folder}/logs`, `${folder}/moved`);
      await file.reopen();
      await assert.rejects(file.write(encoder.encode("lost\n")));
      await Deno.mkdir(`${folder}/logs`);
      await file.reopen();
      await file.write(encoder.encode("here\n"));
      assert.equal(await Deno.readTextFile(path), "here\n");
    }),
});

Deno.test({
  name: "LogFile opens neither symbolic links nor pipes that nobody reads",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      await Deno.symlink(`${folder}/target`, `${folder}/link`);
      await assert.rejects(LogFile.open(`${folder}/link`), /ELOOP/);
      await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
      await assert.rejects(LogFile.open(`${folder}/pipe`), /ENXIO/);
    }),
});

Deno.test({
  name: "a log on a full disk drops and counts its lines, and tells of it once",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const dropped = new FakeDropCounter();
    const reasons: string[] = [];
    const log = createLogger({
      sink: await LogFile.open("/dev/full"),
      format: "json",
      dropped,
      onLost: (reason) => reasons.push(reason),
    });
    for (let i = 0; i < 3; i++) {
      log.info("line");
      await log.flush();
    }
    await log[Symbol.asyncDispose]();
    assert.equal(dropped.total, 3);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0], /No space left/);
  },
});
