import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify as tomlOf } from "smol-toml";
import { stringify as yamlOf } from "yaml";
import { CONFIG_BYTES_MAX, parseDocument } from "../../../lib/config/document.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

type Tree = { [key: string]: Tree | string | number | string[] | Tree[] };

const KEY = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const TEXT = fc.oneof(fc.string(), fc.constantFrom("[x]", "# no", '"""', "'''", "a\nb = 1", "\\"));
const { tree: TREE } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.dictionary(
    KEY,
    fc.oneof(
      { maxDepth: 4 },
      TEXT,
      fc.integer(),
      fc.array(TEXT, { maxLength: 3 }),
      tie("tree"),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
    { maxKeys: 4, noNullPrototype: true },
  ) as fc.Arbitrary<Tree>,
}));

const WRITERS: [string, (tree: Tree) => string][] = [
  ["c.json", (tree) => JSON.stringify(tree, null, 2)],
  ["c.yaml", (tree) => yamlOf(tree)],
  ["c.toml", (tree) => tomlOf(tree)],
];

function* keyPaths(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (!Array.isArray(value)) yield at;
    yield* keyPaths(inner, at);
  }
}

Deno.test("parseDocument() gives back the values and finds the line of every key", async () => {
  await fc.assert(fc.asyncProperty(TREE, async (tree) => {
    for (const [file, write] of WRITERS) {
      const text = write(tree);
      if (text.trim() === "") continue;
      const document = await parseDocument(text, file);
      assert.deepEqual(document.value, tree);
      const lines = text.split("\n");
      for (const path of keyPaths(tree)) {
        const line = Number(document.place(path).split(":")[1]);
        assert.ok(lines[line - 1].includes(String(path.at(-1))), `${path} in ${file}:\n${text}`);
      }
    }
  }));
});

Deno.test("parseDocument() throws nothing but ConfigError whatever the text", async () => {
  const part = fc.constantFrom(
    ..."{}[]:,=#&*-|>!'\"\\\n\r\t .",
    "a",
    "1",
    "/*",
    "//",
    '"""',
    "<<",
    "__proto__",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom("c.json", "c.yaml", "c.toml"), async (text, file) => {
      try {
        await parseDocument(text, file);
      } catch (thrown) {
        assert.ok(thrown instanceof ConfigError, String((thrown as Error).stack));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("parseDocument() reads the largest file there may be", async () => {
  const fill = CONFIG_BYTES_MAX - 100;
  const files: [string, string][] = [
    ["c.json", `{"a": "${"x".repeat(fill)}",\n "b": 1}`],
    ["c.yaml", `a: "${"x".repeat(fill)}"\nb: 1\n`],
    ["c.toml", `a = "${"x".repeat(fill)}"\nb = 1\n`],
    ["c.toml", `a = """${"x\n".repeat(fill / 2)}"""\nb = 1\n`],
    ["c.toml", `${"# x\n".repeat(fill / 4)}\nb = 1\n`],
    ["c.toml", `a = [${"1,".repeat(50_000)}]\n${"\n".repeat(fill - 150_000)}b = 1\n`],
  ];
  for (const [file, text] of files) {
    const document = await parseDocument(text, file);
    const [at, last] = [document.place(["b"]), text.trimEnd().split("\n").length];
    assert.equal(at, `${file}:${last}`);
  }
});
