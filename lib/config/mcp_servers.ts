/**
 * The server lists users already have: `mcpServers` (Claude, Cursor, ...), `servers` (VS Code),
 * `mcp_servers` (Codex). What their owners add is ignored, and noted.
 *
 * @module
 */
import type { ConfigDocument } from "./document.ts";
import type { KeyPath } from "./document_lines.ts";
import { fileFault, keyText, kindOf } from "./fault.ts";
import type { UpstreamEntry } from "./upstream_entry.ts";

/** Top-level keys that hold servers by name. */
export const SERVER_LISTS = ["mcpServers", "servers", "mcp_servers"] as const;

/** Types by their spelling in lower case without `-`, `_` and spaces. */
const TYPES: Readonly<Record<string, "stdio" | "http" | "sse">> = {
  stdio: "stdio",
  local: "stdio",
  command: "stdio",
  http: "http",
  https: "http",
  streamablehttp: "http",
  httpstream: "http",
  streaminghttp: "http",
  remote: "http",
  sse: "sse",
  httpsse: "sse",
};

/** Other spellings of a key: Windsurf, Gemini CLI, Codex. */
const SPELLINGS: Readonly<Record<string, string>> = {
  serverUrl: "url",
  httpUrl: "url",
  http_headers: "headers",
};

const KNOWN = ["type", "url", "command", "args", "env", "cwd", "headers", "disabled", "enabled"];

/** The servers of a document, in order, and what was ignored. */
export interface ServerEntries {
  readonly entries: readonly UpstreamEntry[];
  readonly notes: readonly string[];
}

/**
 * Reads every server that is not disabled.
 *
 * @throws {ConfigError} an entry that cannot be understood, with its line
 */
export function readServerEntries(document: ConfigDocument): ServerEntries {
  const entries: UpstreamEntry[] = [];
  const notes: string[] = [];
  for (const list of SERVER_LISTS) {
    if (!Object.hasOwn(document.value, list)) continue;
    const servers = document.value[list];
    if (!isMap(servers)) throw wrong(document, [list], servers, "a map of servers by name");
    for (const [name, server] of Object.entries(servers)) {
      if (!isMap(server)) throw wrong(document, [list, name], server, "a map with url or command");
      const entry = new EntryReader(document, [list, name], server, notes).read();
      if (entry !== undefined) entries.push(entry);
    }
  }
  return { entries, notes };
}

type Raw = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

function wrong(document: ConfigDocument, path: KeyPath, value: unknown, expected: string) {
  return fileFault(
    `${keyText(path)} is ${kindOf(value)}`,
    `give ${expected}`,
    document.place(path),
  );
}

class EntryReader {
  readonly #document: ConfigDocument;
  readonly #path: KeyPath;
  readonly #notes: string[];
  /** Values by their first spelling. */
  readonly #values = new Map<string, unknown>();
  /** Keys as written, by their first spelling. */
  readonly #written = new Map<string, string>();

  constructor(document: ConfigDocument, path: KeyPath, raw: Raw, notes: string[]) {
    this.#document = document;
    this.#path = path;
    this.#notes = notes;
    for (const [written, value] of Object.entries(raw)) {
      const key = Object.hasOwn(SPELLINGS, written) ? SPELLINGS[written] : written;
      if (!KNOWN.includes(key)) {
        notes.push(
          `${keyText([...path, written])} is ignored (${document.place([...path, written])})`,
        );
      } else if (written === key || !this.#values.has(key)) {
        this.#values.set(key, value);
        this.#written.set(key, written);
      }
    }
  }

  read(): UpstreamEntry | undefined {
    if (this.#flag("disabled") === true || this.#flag("enabled") === false) {
      this.#notes.push(`${keyText(this.#path)} is disabled (${this.#document.place(this.#path)})`);
      return undefined;
    }
    const type = this.#type();
    const common = {
      name: String(this.#path[this.#path.length - 1]),
      path: this.#path,
      place: (path: KeyPath) => this.#document.place(this.#inFile(path)),
    };
    if (type === "stdio") {
      this.#ignore("url", "headers");
      const command = this.#text("command");
      if (command === undefined) throw this.#missing("command");
      return {
        ...common,
        command,
        args: this.#list("args"),
        env: this.#record("env"),
        cwd: this.#text("cwd"),
      };
    }
    this.#ignore("command", "args", "env", "cwd");
    const url = this.#text("url");
    if (url === undefined) throw this.#missing("url");
    const schemePrefix = type === "sse" && !url.startsWith("sse+") ? "sse+" : undefined;
    return { ...common, url, schemePrefix, headers: this.#record("headers") };
  }

  #type(): "stdio" | "http" | "sse" {
    const written = this.#text("type");
    if (written !== undefined) {
      const plain = written.toLowerCase().replace(/[-_ +]/g, "");
      if (Object.hasOwn(TYPES, plain)) return TYPES[plain];
      const path = [...this.#path, "type"];
      throw fileFault(
        `${keyText(path)} is not a known type`,
        "give stdio, http or sse",
        this.#document.place(path),
      );
    }
    const hasCommand = this.#values.get("command") !== undefined;
    const hasUrl = this.#values.get("url") !== undefined;
    if (hasCommand === hasUrl) {
      throw fileFault(
        `${keyText(this.#path)} has ${hasUrl ? "both url and command" : "neither url nor command"}`,
        hasUrl ? "keep one of them, or say which by type" : "give one of them",
        this.#document.place(this.#path),
      );
    }
    return hasCommand ? "stdio" : "http";
  }

  #inFile(path: KeyPath): KeyPath {
    const [key, ...rest] = path;
    return key === undefined
      ? this.#path
      : [...this.#path, this.#written.get(String(key)) ?? key, ...rest];
  }

  #wrong(path: KeyPath, value: unknown, expected: string) {
    return wrong(this.#document, this.#inFile(path), value, expected);
  }

  #missing(key: string) {
    const why = `${keyText(this.#path)} has no ${key}`;
    return fileFault(why, "give one, or correct its type", this.#document.place(this.#path));
  }

  #ignore(...keys: string[]): void {
    for (const key of keys) {
      if (!this.#values.has(key)) continue;
      const path = this.#inFile([key]);
      this.#notes.push(`${keyText(path)} is ignored (${this.#document.place(path)})`);
    }
  }

  #flag(key: string): boolean | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined || typeof value === "boolean") return value;
    throw this.#wrong([key], value, "true or false");
  }

  #text(key: string): string | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw this.#wrong([key], value, "a string");
  }

  #list(key: string): string[] | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.#wrong([key], value, "a list of strings");
    return value.map((item, index) => this.#scalar(item, [key, index]));
  }

  #record(key: string): Record<string, string> | undefined {
    const value = this.#values.get(key) ?? undefined;
    if (value === undefined) return undefined;
    if (!isMap(value)) throw this.#wrong([key], value, "a map of strings");
    const entries = Object.entries(value).filter(([, item]) => item !== null);
    return Object.fromEntries(
      entries.map(([name, item]) => [name, this.#scalar(item, [key, name])]),
    );
  }

  /** Numbers and booleans are taken as they print: `PORT: 8080` in YAML is meant as text. */
  #scalar(value: unknown, path: KeyPath): string {
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw this.#wrong(path, value, "a string");
  }
}
