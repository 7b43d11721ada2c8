/**
 * The `[mcp]` table of claude-flow: servers with a WebSocket and, behind it, a program to fall back to.
 *
 * ```toml
 * [mcp]
 * transport = "hybrid"
 * [mcp.erlmcp]
 * websocket.url = "ws://localhost:8080/mcp/ws"
 * stdio.command = "erl"
 * ```
 *
 * @module
 */
import type { ConfigDocument } from "./document.ts";
import type { KeyPath } from "./document_lines.ts";
import { fileFault, keyText, kindOf } from "./fault.ts";
import type { ServerEntries } from "./mcp_servers.ts";
import type { EndpointEntry, UpstreamEntry } from "./upstream_entry.ts";

/** The top-level key. */
export const HYBRID_TABLE = "mcp";

type Raw = Readonly<Record<string, unknown>>;
type Kind = "text" | "texts" | "record";

/** Ways to a server, the most wanted first, and what each takes. */
const WAYS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  websocket: { url: "text", headers: "record" },
  http: { url: "text", headers: "record" },
  sse: { url: "text", headers: "record" },
  stdio: { command: "text", args: "texts", env: "record", cwd: "text" },
};

/** Whether a document has such a table: others have a key of that name for something else. */
export function hasHybridTable({ value }: ConfigDocument): boolean {
  const table = value[HYBRID_TABLE];
  return isMap(table) && typeof table.transport === "string";
}

/**
 * The servers of the table, in order, and what of it was ignored.
 *
 * @throws {ConfigError} a transport or a value that cannot be understood, with its line
 */
export function readHybridEntries(document: ConfigDocument): ServerEntries {
  if (!hasHybridTable(document)) return { entries: [], notes: [] };
  const { transport, ...servers } = document.value[HYBRID_TABLE] as Raw;
  const reader = new TableReader(document, waysOf(String(transport), document));
  for (const [name, server] of Object.entries(servers)) reader.read(name, server);
  return reader;
}

function waysOf(transport: string, document: ConfigDocument): readonly string[] {
  if (transport === "hybrid") return Object.keys(WAYS);
  if (Object.hasOwn(WAYS, transport)) return [transport];
  throw fileFault(
    "mcp.transport is not a known transport",
    `give hybrid, ${Object.keys(WAYS).join(", ")}`,
    document.place([HYBRID_TABLE, "transport"]),
  );
}

class TableReader implements ServerEntries {
  readonly entries: UpstreamEntry[] = [];
  readonly notes: string[] = [];
  readonly #document: ConfigDocument;
  readonly #ways: readonly string[];

  constructor(document: ConfigDocument, ways: readonly string[]) {
    this.#document = document;
    this.#ways = ways;
  }

  read(name: string, server: unknown): void {
    const path = [HYBRID_TABLE, name];
    if (!isMap(server)) return this.#ignore(path);
    for (const key of Object.keys(server)) {
      if (!this.#ways.includes(key)) this.#ignore([...path, key]);
    }
    const endpoints = this.#ways.filter((way) => isMap(server[way])).map((way) =>
      this.#endpoint([...path, way], server[way] as Raw)
    );
    if (endpoints.length === 0) {
      throw this.#fault(path, "has no way to the server", `give ${this.#ways.join(" or ")}`);
    }
    this.entries.push({ name, endpoints, path, place: (key) => this.#place([...path, ...key]) });
  }

  #endpoint(path: KeyPath, raw: Raw): EndpointEntry {
    const way = String(path[path.length - 1]);
    const known = WAYS[way];
    const values: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(raw)) {
      if (Object.hasOwn(known, key)) values[key] = this.#checked([...path, key], value, known[key]);
      else if (!isSettled(way, key, value)) this.#ignore([...path, key]);
    }
    const needed = way === "stdio" ? "command" : "url";
    if (values[needed] === undefined) throw this.#fault(path, `has no ${needed}`, "give one");
    return {
      ...values,
      ...way === "sse" && { schemePrefix: "sse+" },
      path,
      place: (key) => this.#place([...path, ...key]),
    };
  }

  #checked(path: KeyPath, value: unknown, kind: Kind): unknown {
    const isText = (one: unknown) => typeof one === "string";
    if (kind === "text" && isText(value) && value !== "") return value;
    if (kind === "texts" && Array.isArray(value) && value.every(isText)) return value;
    if (kind === "record" && isMap(value) && Object.values(value).every(isText)) return value;
    const wanted = { text: "a string", texts: "a list of strings", record: "a map of strings" };
    throw this.#fault(path, `is ${kindOf(value)}`, `give ${wanted[kind]}`);
  }

  #ignore(path: KeyPath): void {
    this.notes.push(`${keyText(path)} is ignored (${this.#place(path)})`);
  }

  #fault(path: KeyPath, why: string, advice: string) {
    return fileFault(`${keyText(path)} ${why}`, advice, this.#place(path));
  }

  #place(path: KeyPath): string {
    return this.#document.place(path);
  }
}

/** What is done anyway: a WebSocket is compressed where the server agrees. */
function isSettled(way: string, key: string, value: unknown): boolean {
  return way === "websocket" && key === "compression" && value === true;
}

function isMap(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
