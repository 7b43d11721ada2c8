/**
 * Questions to the schema: which setting stands at a path, and what it takes.
 *
 * @module
 */
import { z } from "zod";
import type { SettingMeta } from "./schema.ts";

/** Kind of a setting, for parsing and for words. */
export type SettingKind = "number" | "text" | "choice" | "flag" | "list" | "map" | "group";

/** The schema without its layers of defaults and optionality. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Settings of a group by key; `undefined` for anything else. */
export function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}

/** The schema at a path, or `undefined` where there is no setting. */
export function schemaAt(
  root: z.ZodType,
  path: readonly (string | number | symbol)[],
): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root;
  for (const part of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) {
      const shape = inner.shape as Record<string, z.ZodType>;
      schema = Object.hasOwn(shape, part) ? shape[String(part)] : undefined;
    } else if (inner instanceof z.ZodRecord) {
      schema = inner.valueType as z.ZodType;
    } else if (inner instanceof z.ZodArray) {
      schema = inner.element as z.ZodType;
    } else {
      schema = undefined;
    }
    if (schema === undefined) return undefined;
  }
  return schema;
}

/** What a schema says about itself. */
export function metaOf(schema: z.ZodType): Partial<SettingMeta> {
  return (schema.meta() ?? {}) as Partial<SettingMeta>;
}

/** Kind of a schema. */
export function kindOfSchema(schema: z.ZodType): SettingKind {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodNumber) return "number";
  if (inner instanceof z.ZodEnum) return "choice";
  if (inner instanceof z.ZodBoolean) return "flag";
  if (inner instanceof z.ZodArray) return "list";
  if (inner instanceof z.ZodRecord) return "map";
  return inner instanceof z.ZodObject ? "group" : "text";
}

/** What a setting takes, in words that follow "give". */
export function expectation(schema: z.ZodType): string {
  const inner = unwrap(schema);
  const unit = metaOf(schema).unit;
  if (inner instanceof z.ZodNumber) {
    const of = unit === undefined ? "" : ` (${unit})`;
    if (!inner.isInt) return `a number${of}`;
    return `a whole number${of} from ${inner.minValue} to ${inner.maxValue}`;
  }
  if (inner instanceof z.ZodEnum) return `one of ${inner.options.join(", ")}`;
  if (inner instanceof z.ZodBoolean) return "true or false";
  if (inner instanceof z.ZodArray) return `a list of ${plural(unit)}`;
  if (inner instanceof z.ZodUnion && unit !== undefined) return unit;
  if (inner instanceof z.ZodRecord) return "a map by name";
  if (inner instanceof z.ZodObject) return `a map with ${Object.keys(inner.shape).join(", ")}`;
  return unit === undefined ? "a text that is not empty" : `a ${unit}`;
}

function plural(unit: string | undefined): string {
  if (unit === undefined) return "texts";
  return unit.includes(":") ? `texts ${unit}` : `${unit}s`;
}
