/**
 * A configuration file as data, with the way back from any key to its line.
 *
 * @module
 */
import { type ConfigError, reasonOf } from "../core/errors.ts";
import { type KeyPath, type Parsed, SyntaxFault } from "./document_lines.ts";
import { fileFault } from "./fault.ts";

/** Largest configuration file, bytes. */
export const CONFIG_BYTES_MAX = 1024 * 1024;
/** Deepest nesting of a configuration file. */
export const CONFIG_DEPTH_MAX = 64;
/** Values in a configuration file after YAML aliases are expanded. */
export const CONFIG_VALUES_MAX = 200_000;

/** A parsed configuration file. */
export interface ConfigDocument {
  /** The file as the user named it. */
  readonly file: string;
  /** Plain objects, arrays and scalars; the root is an object. */
  readonly value: Readonly<Record<string, unknown>>;
  /** `file:line` of a key, or of the nearest key around it. */
  place(path: KeyPath): string;
}

const PARSERS: Readonly<Record<string, () => Promise<(text: string) => Parsed>>> = {
  json: async () => (await import("./document_jsonc.ts")).parseJsonc,
  jsonc: async () => (await import("./document_jsonc.ts")).parseJsonc,
  yaml: async () => (await import("./document_yaml.ts")).parseYaml,
  yml: async () => (await import("./document_yaml.ts")).parseYaml,
  toml: async () => (await import("./document_toml.ts")).parseToml,
};

/**
 * Reads and parses a file; the extension names the format.
 *
 * @throws {ConfigError} unreadable, too large, not UTF-8, or not of its format
 */
export async function readDocument(file: string): Promise<ConfigDocument> {
  parserOf(file);
  const bytes = await readBounded(file);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw fileFault("it is not UTF-8", "save it as UTF-8", file);
  }
  return parseDocument(text, file);
}

/**
 * Parses the text of a file; the extension of its name says the format.
 *
 * @throws {ConfigError} not of its format, empty, too deep, or with a key `__proto__`
 */
export async function parseDocument(text: string, file: string): Promise<ConfigDocument> {
  const parser = await parserOf(file)();
  if (text.trim() === "") throw fileFault("it is empty", "write {} for no settings", file);
  const { value, lines } = parseWith(parser, text, file);
  const place = (path: KeyPath) => `${file}:${lines.find(path)}`;
  const root = new PlainCopy(place).copy(value, []);
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    throw fileFault("it does not hold a map of keys", "begin with mcpServers or sluice", place([]));
  }
  return { file, value: root as Record<string, unknown>, place };
}

function parserOf(file: string) {
  const extension = /\.([^./\\]+)$/.exec(file)?.[1].toLowerCase() ?? "";
  if (!Object.hasOwn(PARSERS, extension)) {
    throw fileFault(
      "its name does not tell the format",
      `name it ${Object.keys(PARSERS).map((known) => `.${known}`).join(", ")}`,
      file,
    );
  }
  return PARSERS[extension];
}

function parseWith(parser: (text: string) => Parsed, text: string, file: string): Parsed {
  try {
    return parser(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxFault) {
      throw fileFault(thrown.message, thrown.advice, `${file}:${thrown.line}`);
    }
    // The parsers are recursive: a deep document overflows the stack.
    if (thrown instanceof RangeError) throw tooDeep(`${file}:1`);
    throw fileFault(reasonOf(thrown), "correct the file", `${file}:1`);
  }
}

function tooDeep(place: string): ConfigError {
  return fileFault(`it nests deeper than ${CONFIG_DEPTH_MAX} levels`, "flatten it", place);
}

async function readBounded(file: string): Promise<Uint8Array> {
  try {
    using handle = await Deno.open(file, { read: true });
    const buffer = new Uint8Array(CONFIG_BYTES_MAX + 1);
    let length = 0;
    while (length < buffer.length) {
      const read = await handle.read(buffer.subarray(length));
      if (read === null) return buffer.subarray(0, length);
      length += read;
    }
  } catch (thrown) {
    const why = thrown instanceof Deno.errors.NotFound ? "there is no such file" : reasonOf(thrown);
    throw fileFault(why, "check the path", file);
  }
  throw fileFault(`it is larger than ${CONFIG_BYTES_MAX} bytes`, "make it smaller", file);
}

/** Copies what a parser gave into plain own properties, within limits. */
class PlainCopy {
  readonly #place: (path: KeyPath) => string;
  #values = 0;

  constructor(place: (path: KeyPath) => string) {
    this.#place = place;
  }

  copy(value: unknown, path: KeyPath): unknown {
    if (++this.#values > CONFIG_VALUES_MAX) {
      throw fileFault(
        `it holds more than ${CONFIG_VALUES_MAX} values`,
        "make it smaller",
        this.#place(path),
      );
    }
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    if (path.length >= CONFIG_DEPTH_MAX) throw tooDeep(this.#place(path));
    if (Array.isArray(value)) return value.map((item, index) => this.copy(item, [...path, index]));
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
      const at = [...path, key];
      if (key === "__proto__") {
        throw fileFault("a key may not be called __proto__", "rename it", this.#place(at));
      }
      return [key, this.copy(item, at)];
    });
    return Object.fromEntries(entries);
  }
}
