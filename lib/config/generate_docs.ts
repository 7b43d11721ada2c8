/**
 * Writes what docs/ takes from the schema: the table in configuration.md and sluice.schema.json.
 * Run it after a change of the schema: `deno run -A lib/config/generate_docs.ts`.
 *
 * @module
 */
import { jsonSchema, settingsTable } from "./describe.ts";

/** The page that holds the table, and the schema file. */
export const DOC_FILES = {
  page: new URL("../../docs/configuration.md", import.meta.url),
  schema: new URL("../../docs/sluice.schema.json", import.meta.url),
} as const;

const BEGIN =
  "<!-- settings: begin (generated from the schema) -->\n<!-- deno-fmt-ignore-start -->\n";
const END = "<!-- deno-fmt-ignore-end -->\n<!-- settings: end -->\n";

/** The page with its table renewed; the rest is written by hand and stays. */
export function renewPage(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("Cannot renew the page: its markers are missing");
  return `${page.slice(0, begin)}${BEGIN}\n${settingsTable()}\n${page.slice(end)}`;
}

/** The text of the schema file. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(DOC_FILES.page, renewPage(Deno.readTextFileSync(DOC_FILES.page)));
  Deno.writeTextFileSync(DOC_FILES.schema, schemaText());
}
