import assert from "node:assert/strict";
import { type Check, SchemaCompiler } from "../../../../lib/policy/validation/schema_compiler.ts";

const encoder = new TextEncoder();
const compile = (schema: unknown) =>
  new SchemaCompiler().compile(encoder.encode(JSON.stringify(schema)));

function checkOf(schema: unknown): Check {
  const compiled = compile(schema);
  assert.ok("check" in compiled, JSON.stringify(compiled));
  return compiled.check;
}

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const ECHO = {
  type: "object",
  properties: { message: { type: "string", pattern: "^[a-z]+$" }, count: { type: "integer" } },
  required: ["message"],
  additionalProperties: false,
};

Deno.test("compile() gives a check that names what is wrong", () => {
  const check = checkOf(ECHO);
  assert.equal(check({ message: "abc", count: 3 }), undefined);
  assert.match(check({ message: "ABC" })!, /arguments\/message must match pattern/);
  assert.match(check({})!, /required property 'message'/);
  assert.match(check({ message: "a", more: 1 })!, /additional properties/);
});

Deno.test("compile() follows references within the schema, however deep the value", () => {
  const check = checkOf({
    $ref: "#/$defs/tree",
    $defs: {
      tree: {
        type: "object",
        properties: { left: { $ref: "#/$defs/tree" }, right: { $ref: "#/$defs/tree" } },
        additionalProperties: false,
      },
    },
  });
  const list: Record<string, unknown> = {};
  for (let end = list, i = 0; i < 100; i++) end = end.left = {} as Record<string, unknown>;
  assert.equal(check(list), undefined);
  assert.notEqual(check({ left: { right: { up: 1 } } }), undefined);
});

Deno.test("compile() reads draft-07 where a schema says so, and 2020-12 elsewhere", () => {
  const pair = { items: [{ type: "string" }, { type: "number" }] };
  assert.notEqual(checkOf({ $schema: DRAFT_07, ...pair })(["a", "b"]), undefined);
  assert.notEqual(checkOf({ prefixItems: pair.items })(["a", "b"]), undefined);
});

Deno.test("compile() sees duplicates among objects, whatever the order of their members", () => {
  const check = checkOf({ type: "array", uniqueItems: true });
  assert.equal(check([{ a: 1, b: 2 }, { a: 2, b: 1 }]), undefined);
  assert.match(check([{ a: 1, b: 2 }, { b: 2, a: 1 }])!, /duplicate/);
});

Deno.test("compile() keeps what it has compiled", () => {
  const compiler = new SchemaCompiler();
  const text = encoder.encode(JSON.stringify(ECHO));
  assert.equal(compiler.compile(text), compiler.compile(text.slice()));
});

Deno.test("compile() gives reasons for what it does not check", () => {
  const deep = (levels: number): unknown => levels === 0 ? {} : { not: deep(levels - 1) };
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, {}]));
  for (
    const [schema, why] of [
      [{ $ref: "http://127.0.0.1:9/schema.json" }, /refers to something/],
      [{ $ref: "#/$defs/none" }, /refers to something/],
      [{ type: "strange" }, /no valid/],
      [{ pattern: "(?=a)b" }, /no valid/],
      [{ pattern: "(a{1000}){1000}" }, /no valid/],
      [deep(100), /too deep/],
      [{ properties: many }, /too large/],
      [{ description: "x".repeat(70_000) }, /too large/],
      [7, /no schema/],
    ] as const
  ) {
    const compiled = compile(schema);
    assert.match("uncheckable" in compiled ? compiled.uncheckable : "checked", why);
  }
});

Deno.test("compile() bounds the work of a check, whatever schema and arguments ask for", () => {
  const text = "a".repeat(1_000_000);
  const array = { type: "array", items: { $ref: "#" } };
  const nested = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner], 1);
  for (
    const [schema, value] of [
      [{ anyOf: [array, array], not: { type: "null" } }, nested],
      [{ pattern: "^(a+)+$" }, `${text}!`],
      [{ uniqueItems: true }, Array.from({ length: 100_000 }, (_, i) => ({ i }))],
      [
        { items: { enum: Array.from({ length: 2500 }, (_, i) => i) } },
        new Array(50_000).fill(2499),
      ],
      [{ $ref: "#" }, 1],
    ] as const
  ) {
    assert.match(checkOf(schema)(value)!, /too long/, JSON.stringify(schema).slice(0, 60));
  }
});
