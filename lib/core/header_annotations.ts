/**
 * `x-mcp-header` in the schema of a tool: which of its parameters travel as HTTP headers, too.
 *
 * Source: MCP specification, basic/transports/streamable-http, 2026-07-28, schema extension.
 *
 * @module
 */

/** A parameter that is mirrored into a header. */
export interface Annotation {
  /** Keys that lead to it in the arguments. */
  readonly path: readonly string[];
  /** The header, lower case. */
  readonly header: string;
  readonly type: "string" | "integer" | "boolean";
}

/** A schema whose annotations break the rules: its tool must not be offered. */
export class BadAnnotation extends Error {
  override name = "BadAnnotation";
}

const ANNOTATION = "x-mcp-header";
/** `1*tchar`, RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: readonly unknown[] = ["string", "integer", "boolean"] satisfies Annotation["type"][];

/** Keywords whose value is a schema, or an array of schemas; `properties` is the one way to parameters. */
const SCHEMA_KEYWORDS = [
  "additionalItems",
  "additionalProperties",
  "allOf",
  "anyOf",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "oneOf",
  "prefixItems",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
];
/** Keywords whose value names schemas. */
const SCHEMA_MAP_KEYWORDS = [
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
];

type Schema = Readonly<Record<string, unknown>>;

/**
 * The annotated parameters of an `inputSchema`.
 *
 * @throws {BadAnnotation}
 */
export function annotationsOf(inputSchema: unknown): Annotation[] {
  const found: Annotation[] = [];
  visit(inputSchema, [], true, found);
  const headers = new Set<string>();
  for (const { header } of found) {
    if (headers.has(header)) throw new BadAnnotation(`two parameters share the header ${header}`);
    headers.add(header);
  }
  return found;
}

/** @param path keys that lead here; what lies apart from the parameters has keywords in it */
function visit(
  schema: unknown,
  path: readonly string[],
  isReachable: boolean,
  found: Annotation[],
): void {
  if (!isObject(schema)) return;
  if (Object.hasOwn(schema, ANNOTATION)) {
    if (!isReachable || path.length === 0) {
      throw bad(path, "is no parameter that has a fixed place");
    }
    found.push(annotationAt(schema, path));
  }
  for (const [key, property] of membersOf(schema, "properties")) {
    visit(property, [...path, key], isReachable, found);
  }
  for (const keyword of SCHEMA_KEYWORDS) {
    const value = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
    const schemas = Array.isArray(value) ? value : [value];
    for (const inner of schemas) visit(inner, [...path, `<${keyword}>`], false, found);
  }
  for (const keyword of SCHEMA_MAP_KEYWORDS) {
    for (const [, inner] of membersOf(schema, keyword)) {
      visit(inner, [...path, `<${keyword}>`], false, found);
    }
  }
}

function annotationAt(schema: Schema, path: readonly string[]): Annotation {
  const name = schema[ANNOTATION], type = schema.type;
  if (typeof name !== "string") throw bad(path, "has a header name that is no text");
  if (!TOKEN.test(name)) throw bad(path, "has a header name that no header can have");
  if (!TYPES.includes(type)) throw bad(path, "is neither string nor integer nor boolean");
  return {
    path,
    header: `mcp-param-${name.toLowerCase()}`,
    type: type as Annotation["type"],
  };
}

function bad(path: readonly string[], why: string): BadAnnotation {
  const place = path.length === 0 ? "the schema itself" : JSON.stringify(path.join("."));
  return new BadAnnotation(`${place}, marked ${ANNOTATION}, ${why}`);
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function membersOf(schema: Schema, keyword: string): [string, unknown][] {
  const value = Object.hasOwn(schema, keyword) ? schema[keyword] : undefined;
  return isObject(value) ? Object.entries(value) : [];
}
