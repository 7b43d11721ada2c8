import assert from "node:assert/strict";
import { Catalogue } from "../../../lib/router/catalogue.ts";
import { CatalogueFiles } from "../../../lib/router/catalogue_file.ts";
import { itemsOf, partOf } from "../../../lib/router/lists.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ITEMS = '[{"name":"t","n":1.0,"é":"\\u00e9"}, {"name":"u"}]';
const part = () => partOf(itemsOf(encoder.encode(ITEMS), "name"));

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(`${folder}/sluice`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const nobody = (text: string) => assert.fail(text);

async function remember(folder: string): Promise<void> {
  await using catalogue = new Catalogue(new CatalogueFiles(folder, nobody));
  catalogue.keep("server", "client", "tools/list", part());
}

Deno.test("what one run remembers the next one knows, byte for byte", async () => {
  await inFolder(async (folder) => {
    await remember(folder);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assert.deepEqual(names, ["server.json"]);
    if (Deno.build.os !== "windows") {
      assert.equal(Deno.statSync(`${folder}/server.json`).mode! & 0o777, 0o600);
      assert.equal(Deno.statSync(folder).mode! & 0o777, 0o700);
    }
    await using catalogue = new Catalogue(new CatalogueFiles(folder, nobody));
    await catalogue.load("server");
    await catalogue.load("unknown");
    const found = catalogue.find("server", "client", "tools/list")!;
    assert.deepEqual(found.items.map(({ key }) => key), ["t", "u"]);
    assert.equal(decoder.decode(found.items[0].raw), '{"name":"t","n":1.0,"é":"\\u00e9"}');
    assert.equal(found.digest, part().digest);
  });
});

Deno.test("a broken file is warned about and ignored", async () => {
  const deep = `{"format":1,"lists":${"[".repeat(200_000)}`;
  for (const text of ["", "{", "[]", '{"format":1,"lists":7}', deep, "\xff"]) {
    await inFolder(async (folder) => {
      await remember(folder);
      await Deno.writeTextFile(`${folder}/server.json`, text);
      const warnings: string[] = [];
      await using catalogue = new Catalogue(
        new CatalogueFiles(folder, (warning) => warnings.push(warning)),
      );
      await catalogue.load("server");
      assert.equal(catalogue.find("server", "client", "tools/list"), undefined);
      assert.equal(warnings.length, 1, text.slice(0, 40));
    });
  }
});

Deno.test("files of another format, and lists of another time, are left alone", async () => {
  await inFolder(async (folder) => {
    await remember(folder);
    const path = `${folder}/server.json`;
    const whole = JSON.parse(await Deno.readTextFile(path));
    whole.lists[0].keptMs -= 31 * 24 * 3600_000;
    for (const other of [{ format: 2 }, whole]) {
      await Deno.writeTextFile(path, JSON.stringify(other));
      await using catalogue = new Catalogue(new CatalogueFiles(folder, nobody));
      await catalogue.load("server");
      assert.equal(catalogue.find("server", "client", "tools/list"), undefined);
    }
  });
});

Deno.test("a folder that cannot be written is warned about once", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(folder, "a file");
    const warnings: string[] = [];
    {
      const files = new CatalogueFiles(folder, (warning) => warnings.push(warning));
      await using catalogue = new Catalogue(files);
      catalogue.keep("a", "client", "tools/list", part());
      catalogue.keep("b", "client", "tools/list", part());
    }
    assert.ok(warnings.length >= 1 && warnings[0].startsWith("Cannot write catalogue"));
  });
});
