/**
 * What every reader of the shared-memory export must do, whatever it is written in.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { ExportEntry } from "../../lib/shm/entry.ts";
import type { EntryType } from "../../lib/shm/layout.ts";
import { Publisher } from "../../lib/shm/publisher.ts";
import { encodeAll, ShmFolder, variedEntries } from "../fixtures/shm_scene.ts";

/** A reader as the suite drives it. It has at most 100 ms to notice a change, so it is told when to look. */
export interface ContractReader extends AsyncDisposable {
  /** A copy of the data; `undefined` is a miss. */
  get(type: EntryType, key: string): Promise<Uint8Array | undefined>;
  /** All keys as `type:key`; `undefined` when this kind of reader cannot tell them. */
  keys(): Promise<readonly string[] | undefined>;
  /** Looks at the path; gives whether there is a whole export. */
  look(): Promise<boolean>;
}

/** How a kind of reader is opened, and what it may miss. */
export interface ReaderKind {
  readonly name: string;
  /** Why it cannot run here. */
  readonly skipped?: string;
  /** Entries outside the published index are misses. */
  readonly indexOnly?: boolean;
  open(path: string): Promise<ContractReader>;
}

type Test = (name: string, act: (folder: ShmFolder) => Promise<void>) => void;

/** Registers the suite for one kind of reader. */
export function shmReaderContract(kind: ReaderKind): void {
  const test: Test = (name, act) =>
    Deno.test({
      name: `${kind.name}: ${name}`,
      ignore: kind.skipped !== undefined,
      async fn() {
        using folder = new ShmFolder();
        await act(folder);
      },
    });
  contentTests(kind, test);
  if (!kind.indexOnly) damageTests(kind, test); // without the extension there is no sum to check
}

function contentTests(kind: ReaderKind, test: Test): void {
  test("reads every entry back, and misses what is not there", async (folder) => {
    const entries = variedEntries();
    using publisher = new Publisher(folder.file());
    publisher.publish(encodeAll(entries));
    await using reader = await kind.open(folder.file());
    let found = 0;
    for (const { type, key, data } of entries) {
      const read = await reader.get(type, key);
      if (read === undefined && kind.indexOnly) continue;
      assert.deepEqual(read, bytesOf(data), `${type}:${key.slice(0, 20)}`);
      found++;
    }
    assert.ok(found > 20);
    assert.equal(await reader.get("tool", "file:///empty"), undefined, "another type");
    assert.equal(await reader.get("tool", "ech"), undefined);
    const keys = await reader.keys();
    if (keys === undefined) return;
    assert.deepEqual(keys, entries.map(({ type, key }) => `${type}:${key}`));
  });

  test("sees a new snapshot, and nothing of the old one", async (folder) => {
    using publisher = new Publisher(folder.file());
    const publish = (...entries: ExportEntry[]) => publisher.publish(encodeAll(entries));
    publish({ type: "tool", key: "a", data: "1" }, { type: "tool", key: "b", data: "1" });
    await using reader = await kind.open(folder.file());
    assert.deepEqual(await reader.get("tool", "a"), bytesOf("1"));
    publish({ type: "tool", key: "a", data: "two" });
    assert.equal(await reader.look(), true);
    assert.deepEqual(await reader.get("tool", "a"), bytesOf("two"));
    assert.equal(await reader.get("tool", "b"), undefined);
  });

  test("misses everything before there is an export and after it is withdrawn", async (folder) => {
    await using reader = await kind.open(folder.file());
    assert.equal(await reader.look(), false);
    assert.equal(await reader.get("tool", "a"), undefined);
    {
      using publisher = new Publisher(folder.file());
      publisher.publish(encodeAll([{ type: "tool", key: "a", data: "1" }]));
      assert.equal(await reader.look(), true);
      assert.deepEqual(await reader.get("tool", "a"), bytesOf("1"));
    }
    assert.equal(await reader.look(), false);
    assert.equal(await reader.get("tool", "a"), undefined);
  });
}

function damageTests(kind: ReaderKind, test: Test): void {
  test("takes a cut or damaged file for none, and reads the next whole one (S1, S2)", async (folder) => {
    const path = folder.file();
    using publisher = new Publisher(path);
    const publish = () => {
      publisher.publish(encodeAll([{ type: "tool", key: "a", data: "1" }]));
      // The clock of file systems has ticks of some ms: a change within the same one does not show.
      Deno.utimeSync(path, 1, 1);
    };
    publish();
    await using reader = await kind.open(path);
    const whole = Deno.readFileSync(path);
    const flipped = (offset: number) => {
      const bytes = whole.slice();
      bytes[offset] ^= 0x10;
      return bytes;
    };
    // Cut to nothing, inside the header, at its end; a byte of magic, index, extension, data and table.
    const damaged = [0, 500, 1024].map((length) => whole.slice(0, length));
    damaged.push(...[3, 20, 970, 1030, whole.length - 5].map(flipped));
    for (const [index, bytes] of damaged.entries()) {
      assert.equal(await reader.look(), true);
      Deno.writeFileSync(path, bytes);
      assert.equal(await reader.look(), false, `damage ${index}`);
      assert.equal(await reader.get("tool", "a"), undefined);
      publish();
    }
    assert.equal(await reader.look(), true);
    assert.deepEqual(await reader.get("tool", "a"), bytesOf("1"));
  });

  test("opens no link, FIFO or folder", async (folder) => {
    const path = folder.file();
    using publisher = new Publisher(folder.file("other"));
    publisher.publish(encodeAll([{ type: "tool", key: "a", data: "1" }]));
    await using reader = await kind.open(path);
    const plants = [
      () => Deno.symlinkSync(folder.file("other"), path),
      () => Deno.mkdirSync(path),
      () => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    ];
    for (const plant of plants) {
      plant();
      assert.equal(await reader.look(), false);
      assert.equal(await reader.get("tool", "a"), undefined);
      Deno.removeSync(path);
    }
  });
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
