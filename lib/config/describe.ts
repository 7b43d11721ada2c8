/**
 * The schema in other forms: the list of settings with their flags and variables, the table of
 * docs/configuration.md and the JSON Schema of docs/sluice.schema.json.
 *
 * @module
 */
import { z } from "zod";
import { settingsSchema } from "./schema.ts";
import { kindOfSchema, metaOf, type SettingKind, shapeOf, unwrap } from "./schema_walk.ts";

/** One setting. */
export interface Setting {
  /** Keys from `sluice` down. */
  readonly path: readonly string[];
  readonly kind: SettingKind;
  readonly description: string;
  readonly unit: string | undefined;
  readonly flag: string | undefined;
  /** Environment variable; entries of a map have none of their own. */
  readonly env: string | undefined;
  /** Value where nothing is said; `undefined` when there is none. */
  readonly preset: unknown;
  /** Values to choose from. */
  readonly choices: readonly string[] | undefined;
}

/** `["limits", "messageBytes"]` as `SLUICE_LIMITS_MESSAGE_BYTES`. */
export function variableName(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase());
  return ["SLUICE", ...words].join("_");
}

/** Every setting, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  return below(settingsSchema, [], true);
}

/**
 * The description of a setting, as its flag's help shows it.
 *
 * @param key keys joined by dots
 */
export function describeSetting(key: string): string {
  const setting = listSettings().find(({ path }) => path.join(".") === key);
  if (setting === undefined) throw new Error(`Cannot describe ${key}: no such setting`);
  const { description, choices, preset } = setting;
  const facts = [
    choices && `one of ${choices.join(", ")}`,
    preset !== undefined && !isEmpty(preset) && `default ${shown(preset)}`,
  ].filter(Boolean);
  return facts.length > 0 ? `${description} (${facts.join("; ")})` : description;
}

function below(group: z.ZodType, path: readonly string[], hasEnv: boolean): Setting[] {
  return Object.entries(shapeOf(group) ?? {}).flatMap(([key, schema]) => {
    const at = [...path, key];
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) return below(schema, at, hasEnv);
    const setting = settingOf(schema, at, hasEnv);
    const entry = inner instanceof z.ZodRecord ? inner.valueType as z.ZodType : undefined;
    return [setting, ...entry === undefined ? [] : below(entry, [...at, "NAME"], false)];
  });
}

function settingOf(schema: z.ZodType, path: readonly string[], hasEnv: boolean): Setting {
  const inner = unwrap(schema);
  const meta = metaOf(schema);
  return {
    path,
    kind: kindOfSchema(schema),
    description: meta.description ?? "",
    unit: meta.unit,
    flag: meta.flag,
    env: hasEnv ? variableName(path) : undefined,
    preset: schema instanceof z.ZodDefault ? schema.parse(undefined) : undefined,
    choices: inner instanceof z.ZodEnum ? inner.options.map(String) : undefined,
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The table of all settings in Markdown. */
export function settingsTable(): string {
  const code = (text: string | undefined) => text === undefined ? "" : `\`${text}\``;
  const rows = listSettings().map((setting) => {
    const { path, preset, choices, unit, description, flag, env } = setting;
    const form = choices?.join(", ") ?? unit;
    return [
      code(path.join(".")),
      preset === undefined || isEmpty(preset) ? "" : code(shown(preset)),
      description + (form === undefined ? "" : ` (${form})`),
      code(flag),
      code(env),
    ];
  });
  const head = ["Key under `sluice`", "Default", "Meaning (unit or values)", "Flag", "Variable"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n") + "\n";
}

/** The JSON Schema of a whole configuration file. */
export function jsonSchema(): Record<string, unknown> {
  const servers = z.record(z.string(), z.looseObject({}));
  const file = z.looseObject({
    sluice: settingsSchema.optional().meta({ description: "settings of Sluice" }),
    mcpServers: servers.optional().meta({
      description: "servers as Claude, Cursor, ... list them",
    }),
    servers: servers.optional().meta({ description: "servers as VS Code lists them" }),
  });
  const schema = z.toJSONSchema(file, {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema.unit;
      delete jsonSchema.flag;
    },
  });
  return { ...schema, title: "Sluice configuration" };
}
