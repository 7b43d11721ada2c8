/**
 * What servers say of the arguments of their tools, as each client was told. Lists that are the same are kept once,
 * whoever got them; a schema is compiled when its tool is called.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { itemsOfAnswer } from "../../core/item_list.ts";
import type { Message } from "../../core/message.ts";
import { RawObject } from "../../core/raw_object.ts";
import type { Compiled, SchemaCompiler } from "./schema_compiler.ts";

/** All pages of all clients together. */
const PAGE_BYTES_MAX = 16 * 2 ** 20;
const CLIENTS_MAX = 10_000;

/** A page of a list: schemas by the name of their tool. */
interface Page {
  readonly hash: string;
  readonly schemas: ReadonlyMap<string, Uint8Array>;
  readonly bytes: number;
}

/** See the module. */
export class ToolSchemas {
  readonly #compiler: SchemaCompiler;
  readonly #pages = new Map<string, Page>();
  readonly #clients = new Map<string, Set<string>>();
  #bytes = 0;

  constructor(compiler: SchemaCompiler) {
    this.#compiler = compiler;
  }

  /**
   * Learns from an answer to `tools/list`.
   *
   * @param isFirst whether it is the first page: what the client was told before does not hold any more
   */
  learn(client: string, answer: Message, isFirst: boolean): void {
    if (answer.isError) return;
    const page = this.#keep(itemsOfAnswer(answer, "tools"));
    const known = isFirst ? new Set<string>() : this.#clients.get(client) ?? new Set();
    this.#clients.delete(client);
    this.#clients.set(client, known.add(page.hash));
    if (this.#clients.size > CLIENTS_MAX) {
      this.#clients.delete(this.#clients.keys().next().value!);
    }
  }

  /** The check of a tool's arguments; `undefined` when the client was not told of it. */
  find(client: string, tool: string): Compiled | undefined {
    for (const hash of this.#clients.get(client) ?? []) {
      const schema = this.#pages.get(hash)?.schemas.get(tool);
      if (schema !== undefined) return this.#compiler.compile(schema);
    }
    return undefined;
  }

  #keep(tools: readonly Uint8Array[]): Page {
    const sum = createHash("sha256");
    for (const tool of tools) sum.update(tool).update("\n");
    const hash = sum.digest("base64");
    const page = this.#pages.get(hash) ?? pageOf(hash, tools);
    if (this.#pages.delete(hash)) this.#bytes -= page.bytes;
    this.#pages.set(hash, page); // as the latest
    this.#bytes += page.bytes;
    for (const [oldest, { bytes }] of this.#pages) {
      if (this.#bytes <= PAGE_BYTES_MAX || oldest === hash) break;
      this.#pages.delete(oldest);
      this.#bytes -= bytes;
    }
    return page;
  }
}

function pageOf(hash: string, tools: readonly Uint8Array[]): Page {
  const schemas = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const raw of tools) {
    const tool = new RawObject(raw);
    const schema = tool.get("inputSchema"), name = tool.get("name");
    if (schema === undefined || name === undefined) continue;
    schemas.set(JSON.parse(decoder.decode(name)), schema.slice()); // not a view: the answer would stay
    bytes += schema.length + name.length;
  }
  return { hash, schemas, bytes };
}

const decoder = new TextDecoder();
