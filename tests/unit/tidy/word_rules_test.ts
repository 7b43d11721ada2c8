import assert from "node:assert/strict";
import { parseSource, type Rule } from "../../tidy/source.ts";
import { verdict } from "../../tidy/verdict.ts";
import {
  noConsole,
  noExclusiveTests,
  noMachinePaths,
  nothingPostponed,
  tellingNames,
} from "../../tidy/word_rules.ts";

function lines(rule: Rule, text: string, path = "lib/core/x.ts"): number[] {
  return [...rule(parseSource(path, text))].map(({ line }) => line);
}

Deno.test("tellingNames() refuses names that say nothing", () => {
  const names = ["lib/utils/a.ts", "lib/core/helpers.ts", "tests/unit/string_utils_test.ts"];
  for (const path of [...names, "cli/common.ts", "lib/misc/b.ts"]) {
    assert.equal(lines(tellingNames, "", path).length, 1, path);
  }
  for (const path of ["lib/auth/common_name.ts", "lib/core/message.ts", "cli/miscount.ts"]) {
    assert.equal(lines(tellingNames, "", path).length, 0, path);
  }
});

Deno.test("nothingPostponed() finds the words in comments and strings", () => {
  const words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"];
  assert.deepEqual(lines(nothingPostponed, words.map((word) => `// ${word}: x`).join("\n")), [
    1,
    2,
    3,
  ]);
  assert.deepEqual(lines(nothingPostponed, "const mastodon = 'todo';"), []);
});

Deno.test("noMachinePaths() finds absolute paths of one machine", () => {
  const find = (text: string) => [...noMachinePaths({ path: "README.md", text })].length;
  for (const folder of ["work", "home", "root"]) {
    assert.equal(find(`cd /${folder}/x`), 1, folder);
    assert.equal(find(`file:///${folder}/x`), 1, folder);
  }
  assert.equal(find("see docs/work/x and https://example.com/home/"), 0);
});

Deno.test("noExclusiveTests() finds calls of only", () => {
  assert.deepEqual(lines(noExclusiveTests, `Deno.test.only("x", () => {});`), [1]);
  assert.deepEqual(lines(noExclusiveTests, `it.only("x");\n"Deno.test.only()";`), [1]);
  assert.deepEqual(lines(noExclusiveTests, `Deno.test("x", () => {});`), []);
});

Deno.test("noConsole() guards the library and the transports only", () => {
  assert.deepEqual(lines(noConsole, `console.log(1);\nglobalThis.console.error(2);`), [1, 2]);
  assert.deepEqual(lines(noConsole, `console.log(1);`, "transports/tcp.ts"), [1]);
  assert.deepEqual(lines(noConsole, `console.log(1);`, "cli/serve.ts"), []);
  assert.deepEqual(lines(noConsole, `"console.log"; logger.console(1);`), []);
});

Deno.test("verdict() writes one sorted line per offence", () => {
  const sources = [
    parseSource("lib/core/b.ts", `console.log(1);\nexport const a = 1;\n`),
    parseSource("main.ts", `import "./lib/core/b.ts";\n`),
  ];
  const denoJson = { path: "deno.json", text: "{}" };
  assert.deepEqual(verdict(sources, [denoJson, { path: "README.md", text: "cd /ro" + "ot/x" }]), [
    "README.md:1: machine-path: /ro" + "ot/ exists on one machine",
    "lib/core/b.ts:1: console: console.log in library code",
    "lib/core/b.ts:2: tsdoc: a is exported without a comment",
    "main.ts:1: layers: main.ts must not import lib/core/b.ts",
  ]);
});
