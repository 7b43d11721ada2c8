/**
 * Compiles JSON Schemas of tools, and keeps what it has compiled: a schema that was seen before costs nothing, whoever
 * sent it. Schemas refer to nothing outside of themselves, patterns run in linear time, and the work of a
 * check is bounded.
 *
 * Source: MCP specification, server/tools; JSON Schema 2020-12, and draft-07 where a schema says so.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { RE2JS } from "re2js";
import { counted, UncheckableSchema, WORK_KEYWORD } from "./subschemas.ts";
import { TooMuchWork, WorkBudget } from "./work_budget.ts";

/** Checks arguments: gives what is wrong with them, for the model that wrote them; `undefined` when nothing is. */
export type Check = (value: unknown) => string | undefined;

/** A check, or why there is none. */
export type Compiled = { readonly check: Check } | { readonly uncheckable: string };

const SCHEMA_BYTES_MAX = 65_536;
/** About 20 KiB each. */
const COMPILED_MAX = 1000;
const DRAFT_07 = /^http:\/\/json-schema\.org\/draft-0[67]\/schema#?$/;
/** A pattern is matched at 20 places in the time of one subschema (re2js 2.10, measured). */
const PLACES_PER_WORK = 20;

/** See the module. */
export class SchemaCompiler {
  readonly #compiled = new Map<string, Compiled>();
  readonly #budget = new WorkBudget();
  readonly #latest = this.#dialect(Ajv2020);
  readonly #draft07 = this.#dialect(Ajv);

  /** @param schema JSON text */
  compile(schema: Uint8Array): Compiled {
    if (schema.length > SCHEMA_BYTES_MAX) return { uncheckable: "it is too large" };
    const hash = createHash("sha256").update(schema).digest("base64");
    const known = this.#compiled.get(hash);
    if (known !== undefined) this.#compiled.delete(hash);
    const compiled = known ?? this.#compileNew(schema);
    this.#compiled.set(hash, compiled); // as the latest
    if (this.#compiled.size > COMPILED_MAX) {
      this.#compiled.delete(this.#compiled.keys().next().value!);
    }
    return compiled;
  }

  #compileNew(text: Uint8Array): Compiled {
    try {
      const given = JSON.parse(Buffer.from(text).toString());
      const schema = counted(given);
      const ajv = DRAFT_07.test(given?.$schema) ? this.#draft07 : this.#latest;
      if (typeof schema === "object") delete schema.$schema;
      const validate = ajv.compile(schema);
      ajv.removeSchema(schema); // else it is kept for ever
      return { check: (value) => this.#check(ajv, validate, value) };
    } catch (error) {
      const why = error instanceof UncheckableSchema ? error.message : "it is no valid JSON Schema";
      return { uncheckable: why };
    }
  }

  #check(ajv: Ajv, validate: ValidateFunction, value: unknown): string | undefined {
    this.#budget.begin();
    try {
      if (validate(value)) return undefined;
      return ajv.errorsText(validate.errors, { dataVar: "arguments" });
    } catch (error) {
      if (error instanceof TooMuchWork || error instanceof RangeError) return TOO_MUCH; // no stack is left
      throw error;
    }
  }

  #dialect(Dialect: typeof Ajv | typeof Ajv2020): Ajv {
    const budget = this.#budget;
    const ajv = new Dialect({
      strict: false,
      validateFormats: false, // annotations, since 2019-09
      validateSchema: false, // counted() takes schemas only, and what is wrong otherwise fails to compile
      inlineRefs: false, // would multiply the code
      meta: false,
      logger: false,
      code: { optimize: false, regExp: linearRegExp(budget) }, // optimizing takes ten times as long
    });
    ajv.removeKeyword("uniqueItems");
    ajv.addKeyword({
      keyword: "uniqueItems",
      type: "array",
      schemaType: "boolean",
      error: { message: "must not have duplicate items" },
      validate: (isAsked: boolean, items: unknown[]) => !isAsked || areUnique(items, budget),
    });
    ajv.addKeyword({
      keyword: WORK_KEYWORD,
      schemaType: "number",
      validate(work: number) {
        budget.spend(work);
        return true;
      },
    });
    return ajv as Ajv;
  }
}

const TOO_MUCH = "arguments take too long to check";

/** Patterns without backtracking; what they cannot express (look-around, back references) does not compile. */
function linearRegExp(budget: WorkBudget) {
  const compile = (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    const perPlace = (1 + pattern.length / 32) / PLACES_PER_WORK;
    return {
      test(text: string) {
        budget.spend(text.length * perPlace);
        return compiled.matcher(text).find();
      },
    };
  };
  return Object.assign(compile, { code: "linearRegExp" });
}

/** By their canonical JSON: ajv's own way compares objects in pairs. */
function areUnique(items: readonly unknown[], budget: WorkBudget): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonical(item, budget);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

function canonical(value: unknown, budget: WorkBudget): string {
  budget.spend(1);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, budget)).join()}]`;
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${
    members.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one, budget)}`).join()
  }}`;
}
