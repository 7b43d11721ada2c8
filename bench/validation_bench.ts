// Arguments held against a schema that was seen before, and compiled each time; what hostile schemas cost at most.
import { SchemaCompiler } from "../lib/policy/validation/schema_compiler.ts";

const encoder = new TextEncoder();
const text = (schema: unknown) => encoder.encode(JSON.stringify(schema));
const TYPICAL = text({
  type: "object",
  properties: {
    path: { type: "string", minLength: 1 },
    limit: { type: "integer", minimum: 1, maximum: 1000 },
    kind: { enum: ["file", "folder", "link"] },
    filters: { type: "array", items: { type: "string", pattern: "^[a-z]+$" } },
  },
  required: ["path"],
  additionalProperties: false,
});
const ARGUMENTS = { path: "/tmp", limit: 10, kind: "file", filters: ["a", "b"] };

function check(compiler: SchemaCompiler, schema: Uint8Array, value: unknown): void {
  const compiled = compiler.compile(schema);
  if ("check" in compiled) compiled.check(value);
}

const warm = new SchemaCompiler();
Deno.bench("known schema", { group: "validation", baseline: true }, () => {
  check(warm, TYPICAL, ARGUMENTS);
});
const cold = new SchemaCompiler();
let count = 0;
Deno.bench("new schema each time", { group: "validation" }, () => {
  const description = `schema ${count++}`;
  check(cold, text({ description, ...JSON.parse(new TextDecoder().decode(TYPICAL)) }), ARGUMENTS);
});

const array = { type: "array", items: { $ref: "#" } };
const nested = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner], 1);
const wide = Object.fromEntries(
  Array.from({ length: 190 }, (_, i) => [`p${i}`, { type: "string" }]),
);
const deep = (levels: number): unknown =>
  levels === 0 ? {} : { anyOf: [{ properties: { q: deep(levels - 1) } }, { type: "number" }] };
const HOSTILE: readonly (readonly [string, unknown, unknown])[] = [
  ["exponential references", { anyOf: [array, array], not: { type: "null" } }, nested],
  ["pattern on 1 MB", { pattern: "^(a+)+$" }, `${"a".repeat(1_000_000)}!`],
  [
    "unique items, 100,000",
    { uniqueItems: true },
    Array.from({ length: 100_000 }, (_, i) => ({ i })),
  ],
  ["190 properties", { properties: wide }, {}],
  ["11 levels of anyOf", deep(11), {}],
];
for (const [name, schema, value] of HOSTILE) {
  Deno.bench(`${name}, compiled and checked`, { group: "hostile" }, () => {
    check(new SchemaCompiler(), text(schema), value);
  });
}
