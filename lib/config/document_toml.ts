/**
 * TOML. The parser gives no positions, so the lines of keys are found by a scan of text that is
 * already known to be TOML.
 *
 * @module
 */
import { parse, TomlError } from "smol-toml";
import { DocumentLines, lineFinder, type Parsed, SyntaxFault } from "./document_lines.ts";

/**
 * Parses TOML and notes the line of every table and key. Keys of inline tables have the line of the
 * key that holds the table.
 *
 * @throws {SyntaxFault} not TOML
 */
export function parseToml(text: string): Parsed {
  try {
    const value = parse(text);
    return { value, lines: new TomlLines(text).scan() };
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const why = thrown.message.split("\n")[0].replace(/^Invalid TOML document: /, "");
    throw new SyntaxFault(`it is not TOML: ${why}`, thrown.line);
  }
}

const STRING = /"""(?:[^\\]|\\[^])*?"""(?!")|'''[^]*?'''(?!')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
const KEY_PART = /\s*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*(\.?)/y;

/** One pass over a document: `[table]`, `[[array]]`, `key.path = value`. */
class TomlLines {
  readonly #text: string;
  readonly #lines = new DocumentLines();
  readonly #lineOf: (offset: number) => number;
  /** Elements so far of each array of tables, by its path. */
  readonly #arrays = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lineOf = lineFinder(text);
  }

  scan(): DocumentLines {
    let table: (string | number)[] = [];
    while (this.#skipBlank()) {
      const line = this.#lineOf(this.#at);
      if (this.#text[this.#at] === "[") {
        table = this.#header(line);
      } else {
        this.#note(table, this.#key(), line);
        this.#skipValue();
      }
    }
    return this.#lines;
  }

  /** Moves to the next thing that is neither space nor comment; false at the end. */
  #skipBlank(): boolean {
    const blank = /(?:\s+|#[^\n]*)*/y;
    blank.lastIndex = this.#at;
    blank.test(this.#text);
    this.#at = blank.lastIndex;
    return this.#at < this.#text.length;
  }

  #key(): string[] {
    const parts: string[] = [];
    for (let more = true; more;) {
      KEY_PART.lastIndex = this.#at;
      const match = KEY_PART.exec(this.#text);
      if (match === null) break;
      this.#at = KEY_PART.lastIndex;
      parts.push(match[1] === undefined ? match[2] ?? match[3] : unescaped(match[1]));
      more = match[4] === ".";
    }
    return parts;
  }

  #header(line: number): (string | number)[] {
    const isArray = this.#text[this.#at + 1] === "[";
    this.#at += isArray ? 2 : 1;
    const keys = this.#key();
    const path: (string | number)[] = [];
    for (const [index, key] of keys.entries()) {
      path.push(key);
      const name = JSON.stringify(path);
      const isLast = index === keys.length - 1;
      if (isLast && isArray) this.#arrays.set(name, (this.#arrays.get(name) ?? 0) + 1);
      const count = this.#arrays.get(name);
      this.#lines.set(path, line);
      if (count !== undefined) path.push(count - 1);
      this.#lines.set(path, line);
    }
    this.#skipLine();
    return path;
  }

  #note(table: readonly (string | number)[], keys: readonly string[], line: number): void {
    for (let length = 1; length <= keys.length; length++) {
      this.#lines.set([...table, ...keys.slice(0, length)], line);
    }
  }

  #skipLine(): void {
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  /** Moves past a value: strings whole, brackets balanced, to the end of the line. */
  #skipValue(): void {
    for (let depth = 0; this.#at < this.#text.length;) {
      const char = this.#text[this.#at];
      if (char === '"' || char === "'") {
        STRING.lastIndex = this.#at;
        this.#at = STRING.test(this.#text) ? STRING.lastIndex : this.#at + 1;
        continue;
      }
      if (char === "#") {
        this.#skipLine();
        continue;
      }
      if (char === "\n" && depth <= 0) return;
      if (char === "[" || char === "{") depth++;
      if (char === "]" || char === "}") depth--;
      this.#at++;
    }
  }
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    return JSON.parse(`"${text}"`);
  } catch {
    return text; // an escape only TOML knows: the line falls back to the table's
  }
}
