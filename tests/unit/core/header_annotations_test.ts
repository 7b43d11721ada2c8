import assert from "node:assert/strict";
import { annotationsOf, BadAnnotation } from "../../../lib/core/header_annotations.ts";

const REGION = { type: "string", "x-mcp-header": "Region" };

function object(properties: unknown, more: object = {}): object {
  return { type: "object", properties, ...more };
}

Deno.test("annotationsOf() finds parameters at any depth of properties", () => {
  const schema = object({
    region: REGION,
    plain: { type: "string" },
    nested: object({ "a.b": object({ n: { type: "integer", "x-mcp-header": "N!#$%" } }) }),
    flag: { type: "boolean", "x-mcp-header": "Flag" },
  });
  assert.deepEqual(annotationsOf(schema), [
    { path: ["region"], header: "mcp-param-region", type: "string" },
    { path: ["nested", "a.b", "n"], header: "mcp-param-n!#$%", type: "integer" },
    { path: ["flag"], header: "mcp-param-flag", type: "boolean" },
  ]);
});

Deno.test("annotationsOf() finds nothing where nothing is annotated", () => {
  const data = { "x-mcp-header": "Data" };
  const schemas = [
    undefined,
    null,
    true,
    [],
    {},
    object({ "x-mcp-header": { type: "string" } }), // a parameter of that name
    object({ a: { const: data, default: data, enum: [data], examples: [data] } }),
    object(null),
    object({ a: null, b: true }),
  ];
  for (const schema of schemas) assert.deepEqual(annotationsOf(schema), []);
});

Deno.test("annotationsOf() throws when an annotation breaks the rules", () => {
  const bad: Record<string, unknown> = {
    empty: object({ a: { type: "string", "x-mcp-header": "" } }),
    space: object({ a: { type: "string", "x-mcp-header": "My Region" } }),
    colon: object({ a: { type: "string", "x-mcp-header": "Region:1" } }),
    letter: object({ a: { type: "string", "x-mcp-header": "Région" } }),
    tab: object({ a: { type: "string", "x-mcp-header": "Region\t1" } }),
    "line feed": object({ a: { type: "string", "x-mcp-header": "Region\n" } }),
    "no text": object({ a: { type: "string", "x-mcp-header": 1 } }),
    number: object({ a: { type: "number", "x-mcp-header": "A" } }),
    object: object({ a: { type: "object", "x-mcp-header": "A" } }),
    array: object({ a: { type: "array", "x-mcp-header": "A" } }),
    null: object({ a: { type: "null", "x-mcp-header": "A" } }),
    "no type": object({ a: { "x-mcp-header": "A" } }),
    "several types": object({ a: { type: ["string", "null"], "x-mcp-header": "A" } }),
    duplicate: object({ a: REGION, b: REGION }),
    "duplicate in other case": object({ a: REGION, b: { ...REGION, "x-mcp-header": "rEGION" } }),
    root: object({}, { "x-mcp-header": "Root", type: "string" }),
    items: object({ a: { type: "array", items: REGION } }),
    "prefix items": object({ a: { type: "array", prefixItems: [{}, REGION] } }),
    "properties of items": object({ a: { items: object({ b: REGION }) } }),
    any: object({}, { anyOf: [object({ a: REGION })] }),
    all: object({ a: { allOf: [REGION] } }),
    not: object({ a: { not: REGION } }),
    if: object({}, { if: object({ a: REGION }) }),
    then: object({}, { then: object({ a: REGION }) }),
    else: object({}, { else: object({ a: REGION }) }),
    definition: object({ a: { $ref: "#/$defs/r" } }, { $defs: { r: REGION } }),
    pattern: object({}, { patternProperties: { "^a": REGION } }),
    additional: object({}, { additionalProperties: REGION }),
    dependent: object({}, { dependentSchemas: { a: object({ b: REGION }) } }),
  };
  for (const [what, schema] of Object.entries(bad)) {
    assert.throws(() => annotationsOf(schema), BadAnnotation, what);
  }
});
