import assert from "node:assert/strict";
import {
  deadFiles,
  entryPoints,
  exactVersions,
  importMapVersions,
  layers,
} from "../../tidy/import_rules.ts";
import { parseSource } from "../../tidy/source.ts";

function layerOffences(path: string, text: string): string[] {
  return [...layers(parseSource(path, text))].map(({ line, what }) => `${line}: ${what}`);
}

/** Importer, imported, whether that is allowed. */
const LAYERS: readonly [string, string, boolean][] = [
  ["lib/core/a.ts", "lib/core/b.ts", true],
  ["lib/core/a.ts", "lib/framing/b.ts", false],
  ["lib/framing/a.ts", "lib/core/b.ts", true],
  ["lib/framing/a.ts", "lib/config/b.ts", false],
  ["lib/session/a.ts", "lib/store/b.ts", true],
  ["lib/session/a.ts", "lib/session/deeper/b.ts", true],
  ["lib/session/a.ts", "lib/router/b.ts", false],
  ["lib/upstream/balancers/a.ts", "lib/upstream/pool.ts", true],
  ["lib/admin/a.ts", "lib/gateway.ts", false],
  ["lib/gateway.ts", "lib/session/b.ts", true],
  ["lib/gateway.ts", "transports/b.ts", false],
  ["lib/client/a.ts", "cli/b.ts", false],
  ["transports/tcp.ts", "transports/stream.ts", true],
  ["transports/tcp.ts", "lib/framing/b.ts", true],
  ["transports/tcp.ts", "lib/config/b.ts", false],
  ["cli/serve.ts", "cli/assemble.ts", true],
  ["cli/serve.ts", "lib/config/b.ts", true],
  ["cli/serve.ts", "lib/session/b.ts", false],
  ["cli/serve.ts", "transports/tcp.ts", false],
  ["cli/serve.ts", "deno.json", true],
  ["cli/assemble.ts", "transports/tcp.ts", true],
  ["cli/assemble.ts", "lib/upstream/b.ts", true],
  ["cli/assemble.ts", "tests/fixtures/b.ts", false],
  ["main.ts", "cli/commands.ts", true],
  ["main.ts", "lib/core/b.ts", false],
  ["lib/core/a.ts", "tests/fixtures/b.ts", false],
  ["tests/unit/a_test.ts", "lib/gateway.ts", true],
  ["bench/a_bench.ts", "transports/tcp.ts", true],
];

for (const [from, to, allowed] of LAYERS) {
  Deno.test(`layers() ${allowed ? "allows" : "refuses"} ${from} -> ${to}`, () => {
    const up = "../".repeat(from.split("/").length - 1) || "./";
    const offences = layerOffences(from, `import { x } from "${up}${to}";\n`);
    const expected = allowed ? 0 : 1;
    assert.equal(offences.length, expected, offences.join("\n"));
  });
}

Deno.test("layers() sees every way to refer to a module", () => {
  const text = [
    `import type { A } from "../session/a.ts";`,
    `export { b } from "../session/b.ts";`,
    `const c = await import("../session/c.ts");`,
    `type D = import("../session/d.ts").D;`,
    `const e = import.meta.resolve("../session/e.ts");`,
    `const f = new URL("../session/f.ts", import.meta.url);`,
  ].join("\n");
  assert.deepEqual(
    layerOffences("lib/core/x.ts", text),
    ["a", "b", "c", "d", "e", "f"].map((name, i) =>
      `${i + 1}: lib/core must not import lib/session/${name}.ts`
    ),
  );
});

Deno.test("layers() leaves data alone", () => {
  const text = `import page from "../../docs/page.html" with { type: "text" };
    const file = new URL("../../docs/configuration.md", import.meta.url);`;
  assert.deepEqual(layerOffences("lib/core/x.ts", text), []);
});

Deno.test("layers() refuses source in an unknown place", () => {
  assert.deepEqual(layerOffences("lib/stuff/a.ts", ""), [
    "1: lib/stuff is no known place for source",
  ]);
});

Deno.test("exactVersions() refuses ranges, tags and other registries", () => {
  const npm = "npm" + ":";
  const text = [
    `import a from "${npm}hono@4.13.19";`,
    `import b from "${npm}hono@^4";`,
    `import c from "${npm}@hono/node-server";`,
    `import d from "${npm}/@modelcontextprotocol/sdk@1.32.2/client/index.js";`,
    `const e = ["run", "${npm}thing@latest"];`,
    `import f from "jsr:@std/assert@1.0.0";`,
    `import g from "https://example.com/mod.ts";`,
    `const h = "${npm}";`,
  ].join("\n");
  const lines = [...exactVersions(parseSource("lib/core/x.ts", text))].map(({ line }) => line);
  assert.deepEqual(lines.sort(), [2, 3, 5, 6, 7]);
});

Deno.test("importMapVersions() names the line of an inexact version", () => {
  const npm = "npm" + ":";
  const denoJson = `{\n  "imports": {\n    "a": "${npm}a@1.2.3",\n    "b": "${npm}b@1"\n  }\n}`;
  assert.deepEqual([...importMapVersions(denoJson)].map(({ line }) => line), [4]);
});

Deno.test("deadFiles() finds what no entry point reaches, islands included", () => {
  const sources = [
    parseSource("main.ts", `await import("./cli/a.ts");`),
    parseSource("cli/a.ts", `import "../lib/core/used.ts";`),
    parseSource("lib/core/used.ts", ""),
    parseSource("lib/core/island_a.ts", `import "./island_b.ts";`),
    parseSource("lib/core/island_b.ts", `import "./island_a.ts";`),
    parseSource("lib/core/tested_only.ts", ""),
    parseSource("tests/unit/x_test.ts", `import "../../lib/core/tested_only.ts";`),
  ];
  const dead = [...deadFiles(sources, ["main.ts"])].map(({ path }) => path);
  assert.deepEqual(dead, [
    "lib/core/island_a.ts",
    "lib/core/island_b.ts",
    "lib/core/tested_only.ts",
  ]);
});

Deno.test("entryPoints() reads tasks and exports", () => {
  const denoJson = JSON.stringify({
    tasks: { demo: "deno run -A cli/demo.ts" },
    exports: { "./client": "./lib/client/client.ts" },
  });
  const entries = entryPoints(denoJson);
  assert.ok(entries.includes("main.ts"));
  assert.ok(entries.includes("cli/demo.ts"));
  assert.ok(entries.includes("lib/client/client.ts"));
});
