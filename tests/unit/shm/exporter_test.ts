import assert from "node:assert/strict";
import { Exporter, type ExporterOptions } from "../../../lib/shm/exporter.ts";
import type { ShmError } from "../../../lib/shm/errors.ts";
import { openPreadReader } from "../../../lib/shm/pread_reader.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { ShmFolder } from "../../fixtures/shm_scene.ts";

class Scene implements Disposable {
  readonly folder = new ShmFolder();
  readonly path = this.folder.file();
  readonly errors: ShmError[] = [];
  readonly exporter: Exporter;
  readonly reader = openPreadReader(this.path, { checkIntervalMs: 0 });

  constructor(options: Partial<ExporterOptions> = {}) {
    const onOff = (error: ShmError) => void this.errors.push(error);
    // Long intervals: a test flushes by itself unless it says otherwise.
    const never = { flushIntervalMs: 1e6, checkIntervalMs: 1e6, refreshIntervalMs: 1e6 };
    this.exporter = new Exporter({ path: this.path, onOff, ...never, ...options });
  }

  text(key: string): string | undefined {
    const entry = this.reader.get("tool", key);
    return entry && new TextDecoder().decode(entry.data);
  }

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    this.exporter[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

Deno.test("the exporter publishes what was put, replaced, deleted and invalidated", () => {
  using scene = new Scene();
  const { exporter } = scene;
  exporter.put({ type: "tool", key: "a", data: "1" });
  exporter.put({ type: "prompt", key: "a", data: "p" });
  exporter.flush();
  assert.equal(scene.text("a"), "1");
  exporter.replace("tool", [{ key: "b", data: "2" }, { key: "c", data: "3" }]);
  exporter.flush();
  assert.deepEqual([scene.text("a"), scene.text("b"), scene.text("c")], [undefined, "2", "3"]);
  assert.ok(scene.reader.get("prompt", "a"), "other types stay");
  assert.equal(exporter.delete("tool", "b"), true);
  assert.equal(exporter.delete("tool", "b"), false);
  exporter.flush();
  assert.equal(scene.text("b"), undefined);
  assert.equal(exporter.invalidate("prompt"), 1);
  assert.equal(exporter.invalidate(), 1);
  exporter.flush();
  assert.deepEqual(scene.reader.names(), []);
  assert.equal(exporter.figures().publishedCount, 4);
  assert.deepEqual(scene.errors, []);
});

Deno.test("the exporter publishes nothing when what it is given is what it has", () => {
  using scene = new Scene();
  const { exporter } = scene;
  const put = (data: string, metadata?: Record<string, unknown>) =>
    exporter.put({ type: "tool", key: "a", data, metadata });
  put("1", { x: 1 });
  exporter.flush();
  put("1", { x: 1 });
  exporter.replace("tool", [{ key: "a", data: new TextEncoder().encode("1"), metadata: { x: 1 } }]);
  exporter.flush();
  assert.equal(exporter.figures().publishedCount, 1);
  put("1", { x: 2 });
  exporter.flush();
  assert.equal(exporter.figures().publishedCount, 2);
  assert.equal(scene.reader.metadata("tool", "a")?.x, 2);
});

Deno.test("the exporter publishes many changes of one flush interval once", async () => {
  using scene = new Scene({ flushIntervalMs: 20 });
  const { exporter, reader } = scene;
  for (let index = 0; index < 500; index++) {
    exporter.put({ type: "tool", key: `k${index}`, data: "1" });
  }
  assert.equal(exporter.figures().publishedCount, 0, "not while it is being fed");
  await published(scene, () => reader.names().length === 500);
  assert.equal(exporter.figures().publishedCount, 1);
  exporter.put({ type: "tool", key: "k0", data: "2" });
  exporter.put({ type: "tool", key: "k1", data: "2" });
  await published(scene, () => scene.text("k1") === "2");
  assert.equal(exporter.figures().publishedCount, 2);
});

Deno.test("the exporter makes its file again when somebody cuts or removes it (S1)", async () => {
  using scene = new Scene({ checkIntervalMs: 10 });
  const { exporter, path } = scene;
  exporter.put({ type: "tool", key: "a", data: "1" });
  exporter.flush();
  for (const damage of [() => Deno.truncateSync(path, 700), () => Deno.removeSync(path)]) {
    damage();
    await published(scene, () => scene.text("a") === "1");
  }
  assert.equal(exporter.figures().publishedCount, 3);
  assert.deepEqual(scene.errors, []);
});

Deno.test("the exporter publishes an unchanged export again, so that old ones tell of a dead writer", async () => {
  using scene = new Scene({ checkIntervalMs: 5, refreshIntervalMs: 10 });
  scene.exporter.flush();
  await published(scene, () => (scene.reader.info().header?.sequence ?? 0) >= 3);
});

Deno.test("the exporter switches off with one warning when the limit is passed, and takes the file away", () => {
  using scene = new Scene({ bytesMax: 10_000 });
  const { exporter } = scene;
  exporter.put({ type: "tool", key: "a", data: "1" });
  exporter.flush();
  exporter.put({ type: "tool", key: "b", data: "x".repeat(10_000) });
  exporter.flush();
  assert.equal(exporter.on, false);
  exporter.put({ type: "tool", key: "c", data: "3" });
  exporter.flush();
  assert.equal(scene.text("a"), undefined);
  assert.equal(exporter.figures().entries, 0, "nothing is kept for nobody");
  assert.deepEqual(scene.errors.map(({ failure }) => failure), ["full"]);
  assert.match(
    scene.errors[0].message,
    /^Cannot build snapshot: 2 entries need \d+ bytes, at most 10000/,
  );
});

Deno.test("the exporter is off from the start when it cannot have the path", () => {
  using scene = new Scene();
  const errors: ShmError[] = [];
  using second = new Exporter({ path: scene.path, onOff: (error) => void errors.push(error) });
  assert.equal(second.on, false);
  assert.deepEqual(errors.map(({ failure }) => failure), ["locked"]);
  using nowhere = new Exporter({
    path: `${scene.folder.path}/no/such/folder`,
    onOff: (error) => void errors.push(error),
  });
  assert.equal(nowhere.on, false);
  assert.equal(errors.length, 2);
});

Deno.test("the exporter leaves out an entry whose key is too long, and nothing else", () => {
  using scene = new Scene();
  scene.exporter.put({ type: "tool", key: "k".repeat(70_000), data: "1" });
  scene.exporter.put({ type: "tool", key: "a", data: "1" });
  scene.exporter.flush();
  assert.deepEqual(scene.reader.names(), [{ type: "tool", key: "a" }]);
  assert.deepEqual(scene.errors, []);
});

Deno.test("figures() tells how much of the snapshot has been replaced or removed since", () => {
  using scene = new Scene();
  const { exporter } = scene;
  for (const key of ["a", "b", "c", "d"]) exporter.put({ type: "tool", key, data: "1" });
  assert.equal(exporter.figures().ageMs, undefined);
  exporter.flush();
  assert.equal(exporter.figures().fragmentation, 0);
  exporter.delete("tool", "a");
  exporter.put({ type: "tool", key: "b", data: "2" });
  assert.equal(exporter.figures().fragmentation, 0.5);
  exporter.flush();
  const { fragmentation, entries, bytes, sequence, ageMs, on } = exporter.figures();
  assert.deepEqual({ fragmentation, entries, sequence, on }, {
    ...{ fragmentation: 0, entries: 3, sequence: 2, on: true },
  });
  assert.equal(bytes, Deno.statSync(scene.path).size);
  assert.ok(ageMs! >= 0);
});

Deno.test("hit() brings an entry into the published index", () => {
  using scene = new Scene();
  const { exporter, path } = scene;
  for (let index = 0; index < 100; index++) {
    exporter.put({ type: "tool", key: `tool-${index}`, data: "1" });
  }
  exporter.hit("tool", "tool-99");
  exporter.flush();
  const index = new TextDecoder("latin1").decode(Deno.readFileSync(path).subarray(16, 960));
  assert.ok(index.startsWith("\0\x0ctool:tool-99"));
  assert.ok(index.includes("tool:tool-0") && !index.includes("tool:tool-98"));
});

/** Waits for a change in the folder after which `condition` holds. */
async function published(scene: Scene, condition: () => boolean): Promise<void> {
  const watcher = Deno.watchFs(scene.folder.path);
  if (condition()) return watcher.close();
  const changed = async () => {
    for await (const _ of watcher) if (condition()) return; // which closes it
  };
  await bounded(changed(), "a snapshot");
}
