import assert from "node:assert/strict";
import {
  documentedExports,
  fileLength,
  functionLength,
  noBarrels,
} from "../../tidy/shape_rules.ts";
import { parseSource, type Rule } from "../../tidy/source.ts";

function offences(rule: Rule, text: string, path = "lib/core/x.ts"): string[] {
  return [...rule(parseSource(path, text))].map(({ line, what }) => `${line}: ${what}`);
}

Deno.test("fileLength() allows 300 lines and refuses 301", () => {
  assert.deepEqual(offences(fileLength, "x;\n".repeat(300)), []);
  assert.deepEqual(offences(fileLength, "x;\n".repeat(301)), ["301: 301 lines, at most 300"]);
});

Deno.test("functionLength() allows 70 lines and refuses 71", () => {
  const body = (count: number) => "  x;\n".repeat(count);
  assert.deepEqual(offences(functionLength, `function f() {\n${body(68)}}\n`), []);
  assert.deepEqual(offences(functionLength, `\nfunction f() {\n${body(69)}}\n`), [
    "2: f has 71 lines, at most 70",
  ]);
});

Deno.test("functionLength() sees methods, constructors and arrow functions", () => {
  const body = "  x;\n".repeat(70);
  const text =
    `class A {\nconstructor() {\n${body}}\nm() {\n${body}}\n}\nconst g = () => {\n${body}};`;
  assert.deepEqual(offences(functionLength, text).map((line) => line.replace(/ has.*/, "")), [
    "2: the constructor",
    "74: m",
    "147: g",
  ]);
});

Deno.test("functionLength() counts a test in a contract suite for itself", () => {
  const test = (count: number) => `  Deno.test("t", () => {\n${"    x;\n".repeat(count)}  });\n`;
  assert.deepEqual(offences(functionLength, `function suite() {\n${test(40)}${test(40)}}\n`), []);
  assert.equal(offences(functionLength, `function suite() {\n${test(80)}}\n`).length, 1);
});

Deno.test("noBarrels() refuses a file that only re-exports", () => {
  const expected = ["1: this file only re-exports"];
  assert.deepEqual(
    offences(noBarrels, `export * from "./a.ts";\nexport { b } from "./b.ts";`),
    expected,
  );
  assert.deepEqual(offences(noBarrels, `import { a } from "./a.ts";\nexport { a };`), expected);
  assert.deepEqual(offences(noBarrels, `import a from "./a.ts";\nexport default a;`), expected);
  assert.deepEqual(offences(noBarrels, `export * from "./a.ts";\nexport const b = 1;`), []);
  assert.deepEqual(offences(noBarrels, `import "./a.ts";`), []);
});

Deno.test("documentedExports() asks for a comment on every exported symbol", () => {
  const text = [
    `/** About the file. @module */`,
    `export const a = 1;`,
    `/** B. */`,
    `export function b() {}`,
    `export class C {}`,
    `interface D {}`,
    `export type E = D;`,
    `const f = 1, g = 2;`,
    `export { f as h };`,
    `export default () => {};`,
  ].join("\n");
  assert.deepEqual(offences(documentedExports, text).map((line) => line.split(" is ")[0]), [
    "2: a",
    "5: C",
    "7: E",
    "8: f",
    "10: the default export",
  ]);
});

Deno.test("documentedExports() takes one comment for all overloads", () => {
  const text = `/** F. */\nexport function f(a: 1): void;\nexport function f(a: 2): void;\n` +
    `export function f(): void {}\nexport function g(a: 1): void;\nexport function g(): void {}\n`;
  assert.deepEqual(offences(documentedExports, text), ["5: g is exported without a comment"]);
});
