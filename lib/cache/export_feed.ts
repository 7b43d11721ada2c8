/**
 * Keeps the shared-memory export current: a client of the gateway's own, which reads the lists of whatever
 * stands behind the handler, and reads them again when it is told of a change.
 *
 * It is a client with a handshake, because then the servers' own `cacheScope` can be told from what the bridge
 * between the eras adds: what a server calls private never leaves the process.
 *
 * @module
 */
import { notification, request } from "../core/compose.ts";
import { LATEST_LEGACY_VERSION } from "../core/eras.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import { matchesGlob } from "../core/globs.ts";
import type { Handler } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { ExportEntry } from "../shm/entry.ts";
import type { EntryType } from "../shm/layout.ts";
import { FeedCall, FeedSession } from "./feed_call.ts";

/** Where entries go: an exporter. */
export interface ExportTarget {
  replace(type: EntryType, entries: readonly Omit<ExportEntry, "type">[]): void;
}

/** What a feed is made of. */
export interface ExportFeedOptions {
  readonly handler: Handler;
  readonly target: ExportTarget;
  readonly version: string;
  /** Patterns of the URIs of resources to export; none by default. */
  readonly resources: readonly string[];
  /** Everything is read again after this time, whatever was told, ms. */
  readonly refreshMs?: number;
  readonly onProblem: (reason: string) => void;
}

type Entry = Omit<ExportEntry, "type">;
/** What can be read anew by itself. */
type Part = "tool" | "prompt" | "resource";

const REFRESH_MS = 60_000;
/** Changes that come within so many ms are read together. */
const GATHER_MS = 50;
const PAGES_MAX = 100;
const RESOURCES_MAX = 1000;

const CHANGES: Readonly<Record<string, Part>> = {
  "notifications/tools/list_changed": "tool",
  "notifications/prompts/list_changed": "prompt",
  "notifications/resources/list_changed": "resource",
  "notifications/resources/updated": "resource",
};

/** Reads and exports until it is disposed. */
export class ExportFeed implements AsyncDisposable {
  readonly #options: ExportFeedOptions;
  readonly #session = new FeedSession((message) => this.#told(message));
  readonly #stale = new Set<Part>(["tool", "prompt", "resource"]);
  #isInitialized = false;
  #reading: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ExportFeedOptions) {
    this.#options = options;
    this.#readIn(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.end();
    clearTimeout(this.#timer);
    await this.#reading;
  }

  #told({ method }: Message): void {
    const part = CHANGES[method ?? ""];
    if (part === undefined) return;
    this.#stale.add(part);
    this.#readIn(GATHER_MS);
  }

  #readIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#session.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#reading = this.#read().finally(() => {
        if (this.#stale.size > 0) this.#readIn(GATHER_MS);
        else this.#readIn(this.#options.refreshMs ?? REFRESH_MS);
      });
    }, ms);
  }

  /** Reads what is stale; a part that cannot be read keeps what was exported, and is tried with the next refresh. */
  async #read(): Promise<void> {
    const parts = this.#stale.size > 0 ? [...this.#stale] : PARTS;
    this.#stale.clear();
    try {
      if (!this.#isInitialized) await this.#initialize();
      for (const part of parts) await this.#readPart(part);
    } catch (error) {
      if (!this.#session.signal.aborted) this.#options.onProblem(reasonOf(error));
    }
  }

  async #initialize(): Promise<void> {
    const clientInfo = { name: "sluice-export", version: this.#options.version };
    const params = { protocolVersion: LATEST_LEGACY_VERSION, capabilities: {}, clientInfo };
    const { capabilities = {} } = await this.#ask("initialize", params);
    await this.#options.handler(
      new FeedCall(notification("notifications/initialized"), this.#session),
    );
    this.#isInitialized = true;
    const entries = Object.entries(capabilities).map(([key, value]) => entryOf(key, value));
    this.#options.target.replace("capability", entries);
  }

  async #readPart(part: Part): Promise<void> {
    const { target, resources } = this.#options;
    if (part === "tool") target.replace("tool", await this.#listed("tools"));
    else if (part === "prompt") target.replace("prompt", await this.#listed("prompts"));
    else if (resources.length > 0) target.replace("resource", await this.#resources());
  }

  /** All pages of a list; nothing where the server has none, or calls it private. */
  async #listed(kind: "tools" | "prompts"): Promise<Entry[]> {
    const items = await this.#pages(kind);
    return items.map((item) => entryOf(String(item.name), item));
  }

  async #resources(): Promise<Entry[]> {
    const wanted = (await this.#pages("resources"))
      .filter(({ uri }) => this.#options.resources.some((glob) => matchesGlob(glob, String(uri))))
      .slice(0, RESOURCES_MAX);
    const entries: Entry[] = [];
    for (const { uri, name } of wanted) {
      const { contents, cacheScope } = await this.#ask("resources/read", { uri });
      const [content] = contents ?? [];
      if (content === undefined || cacheScope === "private") continue;
      const data = content.text ?? Uint8Array.fromBase64(content.blob ?? "");
      const metadata = { name, mimeType: content.mimeType };
      entries.push({ key: String(uri), data, metadata });
    }
    return entries;
  }

  async #pages(kind: "tools" | "prompts" | "resources"): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let cursor: unknown;
    for (let page = 0; page < PAGES_MAX; page++) {
      const result = await this.#ask(`${kind}/list`, cursor === undefined ? {} : { cursor });
      if (result.cacheScope === "private") return [];
      items.push(...result[kind] ?? []);
      cursor = result.nextCursor;
      if (cursor === undefined) break;
    }
    return items;
  }

  /** The result of a request; an empty one where the server has no such method. */
  // deno-lint-ignore no-explicit-any -- what a server sends has no type yet
  async #ask(method: string, params: unknown): Promise<any> {
    const call = new FeedCall(request(crypto.randomUUID(), method, params), this.#session);
    const answer = (await this.#options.handler(call))!;
    if (!answer.isError) return answer.json().result ?? {};
    const { code, message } = answer.json().error;
    if (method.endsWith("/list") && code === METHOD_NOT_FOUND) return {};
    throw new GatewayError("UpstreamProtocolError", `Cannot export: ${method}: ${message}`);
  }
}

const PARTS: readonly Part[] = ["tool", "prompt", "resource"];
const METHOD_NOT_FOUND = -32601;

function entryOf(key: string, value: unknown): Entry {
  return { key, data: JSON.stringify(value), metadata: { mimeType: "application/json" } };
}
