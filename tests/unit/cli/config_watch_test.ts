import assert from "node:assert/strict";
import { ConfigWatch } from "../../../cli/config_watch.ts";
import { bounded } from "../../fixtures/child_wait.ts";

/** A watched file, and how often it was said to have changed. */
async function watched(name: string) {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/${name}`;
  await Deno.writeTextFile(file, "0");
  const seen: (string | undefined)[] = [];
  let waiting: PromiseWithResolvers<void> | undefined;
  const watch = new ConfigWatch(file, () => {
    seen.push(contentOf(file));
    waiting?.resolve();
  }, { gatherMs: 20, writerMs: 20_000, lookMs: 200 });
  return {
    folder,
    file,
    seen,
    async until(count: number) {
      while (seen.length < count) {
        waiting = Promise.withResolvers<void>();
        await bounded(waiting.promise, `change ${count}`);
      }
    },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function contentOf(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    return undefined;
  }
}

Deno.test("ConfigWatch tells of files written in place, replaced, removed and put back", async () => {
  await using scene = await watched("a.json");
  await Deno.writeTextFile(scene.file, "1");
  await scene.until(1);
  await Deno.writeTextFile(`${scene.folder}/new`, "2");
  await Deno.rename(`${scene.folder}/new`, scene.file);
  await scene.until(2);
  await Deno.remove(scene.file);
  await scene.until(3);
  await Deno.writeTextFile(scene.file, "3");
  await scene.until(4);
  assert.deepEqual(scene.seen, ["1", "2", undefined, "3"]);
});

Deno.test("ConfigWatch says nothing of the same content, nor of other files", async () => {
  await using scene = await watched("a.json");
  await Deno.writeTextFile(scene.file, "0");
  await Deno.writeTextFile(`${scene.folder}/b.json`, "1");
  await Deno.writeTextFile(`${scene.folder}/new`, "0");
  await Deno.rename(`${scene.folder}/new`, scene.file);
  await Deno.writeTextFile(scene.file, "1");
  await scene.until(1);
  assert.deepEqual(scene.seen, ["1"]);
});

Deno.test({
  name: "ConfigWatch waits for a writer that has the file open",
  ignore: Deno.build.os !== "linux", // no other system tells of the end of writing
  async fn() {
    await using scene = await watched("a.yaml");
    const encoder = new TextEncoder();
    const writer = await Deno.open(scene.file, { write: true, truncate: true });
    for (const part of ["a: 1\n", "b: 2\n", "c: 3\n"]) {
      await writer.write(encoder.encode(part));
      await new Promise((resolve) => setTimeout(resolve, 100)); // longer than changes are gathered
    }
    writer.close();
    await scene.until(1);
    assert.deepEqual(scene.seen, ["a: 1\nb: 2\nc: 3\n"]);
  },
});

Deno.test("ConfigWatch follows links to other folders", async () => {
  await using scene = await watched("a.json");
  const there = await Deno.makeTempDir();
  await Deno.writeTextFile(`${there}/real.json`, "1");
  await Deno.remove(scene.file);
  await Deno.symlink(`${there}/real.json`, scene.file);
  await scene.until(1);
  await Deno.writeTextFile(`${there}/real.json`, "2");
  await scene.until(2);
  assert.equal(scene.seen.at(-1), "2");
  await Deno.remove(there, { recursive: true });
});
