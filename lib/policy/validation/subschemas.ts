/**
 * A copy of a JSON Schema in which every subschema counts the work that it is, or the reason why it cannot be checked
 * within bounds.
 *
 * @module
 */

/** The keyword that counts; its value is the work of applying the subschema once. */
export const WORK_KEYWORD = "x-sluice-work";

/** Subschemas of one schema. Compiling 200 takes 10 ms, 200 within one another a second (ajv 8.20, measured). */
const SUBSCHEMAS_MAX = 200;
const DEPTH_MAX = 24;

/** The schema is not one that can be checked here. */
export class UncheckableSchema extends Error {
  override name = "UncheckableSchema";
}

/** A subschema, or a part of one, as JSON has it. */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const ONE = ["additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"]
  .concat("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties");
const LISTS = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const MAPS = ["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties"]
  .concat("properties");
const REFERENCES = ["$ref", "$dynamicRef", "$recursiveRef"];
/** Keywords whose parts are compared with the value one by one. */
const COMPARED = ["enum", "required", "properties"];

/**
 * Copies a schema.
 *
 * @throws {UncheckableSchema} it is none, too large, or refers to something outside of itself
 */
export function counted(schema: unknown): JsonObject | boolean {
  const references: string[] = [];
  const places = new Set<string>();
  let count = 0;
  const copy = (value: Json, place: string, depth: number): Json => {
    if (typeof value === "boolean") return value;
    if (!isObject(value)) throw new UncheckableSchema(`${place} is no schema`);
    if (++count > SUBSCHEMAS_MAX) throw new UncheckableSchema("it is too large");
    if (depth > DEPTH_MAX) throw new UncheckableSchema("it is too deep");
    places.add(place);
    for (const name of REFERENCES) {
      if (value[name] !== undefined) references.push(String(value[name]));
    }
    return { ...withParts(value, place, depth), [WORK_KEYWORD]: workOf(value) };
  };
  const withParts = (schema: JsonObject, place: string, depth: number): JsonObject => {
    const whole: JsonObject = { ...schema };
    delete whole.$id; // references are within the schema, whatever it calls itself
    const within = (part: Json, ...path: string[]) => copy(part, pathOf(place, path), depth + 1);
    for (const key of ONE) {
      if (whole[key] !== undefined && !Array.isArray(whole[key])) {
        whole[key] = within(whole[key], key);
      }
    }
    for (const key of LISTS) {
      const list = whole[key];
      if (Array.isArray(list)) whole[key] = list.map((part, i) => within(part, key, String(i)));
    }
    for (const key of MAPS) {
      const map = whole[key];
      if (!isObject(map)) continue;
      whole[key] = Object.fromEntries(
        Object.entries(map).map(([name, part]) => [
          name,
          Array.isArray(part) ? part : within(part, key, name), // `dependencies` has lists of names, too
        ]),
      );
    }
    return whole;
  };
  const whole = copy(schema as Json, "#", 0) as JsonObject | boolean;
  for (const reference of references) {
    if (places.has(reference)) continue;
    throw new UncheckableSchema("it refers to something that is no part of it");
  }
  return whole;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON pointer as a URI fragment, as references are commonly written. */
function pathOf(place: string, path: readonly string[]): string {
  const steps = path.map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1"));
  return [place, ...steps].join("/");
}

function workOf(schema: JsonObject): number {
  let work = 1;
  for (const key of COMPARED) {
    const value = schema[key];
    if (Array.isArray(value)) work += value.length >> 3;
    else if (isObject(value)) work += Object.keys(value).length >> 3;
  }
  return work;
}
