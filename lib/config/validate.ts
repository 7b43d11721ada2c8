/**
 * Values against the schema; every fault as one line that names the key and what it takes, never the
 * value, which may be a secret.
 *
 * @module
 */
import type { z } from "zod";
import { configFault, keyText, kindOf, type Place } from "./fault.ts";
import { type Settings, settingsSchema } from "./schema.ts";
import { expectation, kindOfSchema, schemaAt, shapeOf } from "./schema_walk.ts";
import { nearest } from "./suggest.ts";

type Path = readonly (string | number | symbol)[];

/** How faults of one source are told. */
interface Source {
  /** `Cannot read config`. */
  readonly what: string;
  /** A key of the source as the user wrote it. */
  name(path: Path): string;
  place(path: Path): Place;
}

/**
 * Validates everything under `sluice` and fills in the defaults.
 *
 * @throws {ConfigError} the first fault, with its line
 */
export function validateSettings(raw: unknown, place: (path: Path) => Place): Settings {
  return validate(settingsSchema, [], raw, {
    what: "Cannot read config",
    name: (path) => keyText(["sluice", ...path]),
    place: (path) => place(["sluice", ...path]),
  }) as Settings;
}

/**
 * Validates one setting that came from a variable or a flag.
 *
 * @throws {ConfigError} the first fault, with the name of the variable or flag
 */
export function validateSetting(path: Path, raw: unknown, what: string, label: string): unknown {
  const schema = schemaAt(settingsSchema, path);
  if (schema === undefined) throw new Error(`Cannot validate ${keyText(path)}: no such setting`);
  const name = (at: Path) => keyText([label, ...at.slice(path.length)]);
  return validate(schema, path, raw, { what, name, place: () => undefined });
}

function validate(schema: z.ZodType, base: Path, raw: unknown, source: Source): unknown {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw explain(result.error.issues[0], base, raw, source);
}

function explain(issue: z.core.$ZodIssue, base: Path, raw: unknown, source: Source) {
  const path = [...base, ...issue.path];
  const name = source.name(path);
  const fault = (why: string, advice: string, at: Path = path) =>
    configFault(source.what, why, advice, source.place(at));
  const schema = schemaAt(settingsSchema, path) ?? settingsSchema;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0];
    const at = [...path, key];
    return fault(`${source.name(at)} is not a setting`, suggestion(schema, key), at);
  }
  if (issue.code === "custom" || issue.code === "invalid_format") {
    const [why, advice] = issue.message.split("; ");
    return fault(`${name} ${why}`, advice ?? `give ${expectation(schema)}`);
  }
  const value = valueAt(raw, issue.path);
  return fault(
    `${name} ${problem(issue, value, kindOfSchema(schema))}`,
    `give ${expectation(schema)}`,
  );
}

function problem(issue: z.core.$ZodIssue, value: unknown, kind: string): string {
  if (issue.code === "too_small" && typeof value === "number") return "is too small";
  if (issue.code === "too_big" && typeof value === "number") return "is too large";
  if (Array.isArray(value) && value.length === 0) return "is an empty list";
  if (kind === "number" && typeof value === "number") return "is not a whole number";
  if (kind === "choice" && typeof value === "string") return "is not a known value";
  return `is ${kindOf(value)}`;
}

function suggestion(schema: z.ZodType, key: string): string {
  const known = Object.keys(shapeOf(schema) ?? {});
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean ${near}`;
  const elsewhere = keysBelow(settingsSchema).find((path) => path[path.length - 1] === key);
  if (elsewhere !== undefined) return `did you mean sluice.${elsewhere.join(".")}`;
  return `the settings here are ${known.join(", ")}`;
}

function keysBelow(schema: z.ZodType, path: readonly string[] = []): readonly string[][] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, child]) => [
    [...path, key],
    ...keysBelow(child, [...path, key]),
  ]);
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
