/**
 * Keeps the shared-memory export current: a client of the gateway's own, which reads the lists of whatever
 * stands behind the handler, and reads them again when it is told of a change.
 *
 * It is a client with a handshake, because then the servers' own `cacheScope` can be told from what the bridge
 * between the eras adds: what a server calls private never leaves the process.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { notification, request } from "../core/compose.ts";
import { LATEST_LEGACY_VERSION } from "../core/eras.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import { matchesGlob } from "../core/globs.ts";
import type { Handler } from "../core/handler.ts";
import { RawObject } from "../core/raw_object.ts";
import type { EntryType } from "../shm/layout.ts";
import {
  contentsEntry,
  exportedList,
  itemEntry,
  jsonEntry,
  type PartEntry,
  rawItems,
} from "./export_parts.ts";
import { listKey, SHARED_KINDS, type SharedKind, STATE_KEY } from "./export_state.ts";
import { FeedCall, FeedSession } from "./feed_call.ts";

/** Where entries go: an exporter. */
export interface ExportTarget {
  replace(type: EntryType, entries: readonly PartEntry[]): void;
}

/** What a feed is made of. */
export interface ExportFeedOptions {
  readonly handler: Handler;
  readonly target: ExportTarget;
  readonly version: string;
  /** Of the gateway; tells its export from that of another. */
  readonly instance: string;
  /** Whether all clients of the gateway get the same where a server does not say for whom its answers are. */
  readonly isForAll: boolean;
  /** Patterns of the URIs of resources to export; none by default. */
  readonly resources: readonly string[];
  /** Everything is read again after this time, whatever was told, ms. */
  readonly refreshMs?: number;
  readonly onProblem: (reason: string) => void;
}

/** What can be read anew by itself. */
type Part = "tool" | "prompt" | "resource";
/** Lists that are exported item by item. */
type ListKind = "tools" | "prompts";

const REFRESH_MS = 60_000;
/** Changes that come within so many ms are read together. */
const GATHER_MS = 50;
/** Resources are read at most once in so long: each call of a tool may have changed them, ms. */
const RESOURCES_MS = 1000;
/** Least time between two changes of what the export says of itself because of changes; the exporter's own, ms. */
const STATE_MS = 100;
const PAGES_MAX = 100;
const RESOURCES_MAX = 1000;

const CHANGES: Readonly<Record<string, readonly SharedKind[]>> = {
  "notifications/tools/list_changed": ["tools"],
  "notifications/prompts/list_changed": ["prompts"],
  "notifications/resources/list_changed": ["resources", "contents"],
  "notifications/resources/updated": ["contents"],
};

const PART_OF: Readonly<Record<SharedKind, Part>> = {
  tools: "tool",
  prompts: "prompt",
  resources: "resource",
  contents: "resource",
};

/** Reads and exports until it is disposed. */
export class ExportFeed implements AsyncDisposable {
  readonly #options: ExportFeedOptions;
  readonly #session = new FeedSession(({ method }) => this.changed(CHANGES[method ?? ""] ?? []));
  /** Parts to read, and when, monotonic ms. */
  readonly #due = new Map<Part, number>(PARTS.map((part) => [part, 0]));
  readonly #changes = perKind(0);
  readonly #isCurrent = perKind(false);
  readonly #readMs = perKind(0);
  readonly #isTold = perKind(false);
  readonly #lists = new Map<ListKind, PartEntry>();
  #capabilities: readonly PartEntry[] = [];
  #isInitialized = false;
  #isReading = false;
  #resourcesReadMs = -Infinity;
  #reading: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stateMs = -Infinity;
  #stateTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ExportFeedOptions) {
    this.#options = options;
    this.#plan();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.end();
    clearTimeout(this.#timer);
    clearTimeout(this.#stateTimer);
    await this.#reading;
    clearTimeout(this.#stateTimer);
  }

  /** Takes back at once what has, or may have, changed, and reads it anew soon. */
  changed(kinds: readonly string[]): void {
    const nowMs = monotonicMs();
    const ours = SHARED_KINDS.filter((kind) => kinds.includes(kind));
    for (const kind of ours) {
      this.#changes[kind]++;
      this.#isCurrent[kind] = false;
      const part = PART_OF[kind];
      const soonMs = part === "resource" ? this.#resourcesReadMs + RESOURCES_MS : 0;
      if (!this.#due.has(part)) this.#due.set(part, Math.max(nowMs + GATHER_MS, soonMs));
    }
    if (ours.length === 0 || !this.#isInitialized) return;
    if (ours.includes("contents") && this.#options.resources.length > 0) {
      this.#options.target.replace("resource", []);
    }
    this.#writeStateSoon();
    this.#plan();
  }

  /** Every call of a tool is a change: more than one snapshot per flush would be lost work. */
  #writeStateSoon(): void {
    if (this.#stateTimer !== undefined) return;
    const waitMs = Math.max(0, this.#stateMs + STATE_MS - monotonicMs());
    if (waitMs === 0) return this.#writeState();
    this.#stateTimer = setTimeout(() => this.#writeState(), waitMs);
  }

  /** Sets the timer to what is due next. */
  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#session.signal.aborted || this.#isReading) return;
    const refreshMs = this.#options.refreshMs ?? REFRESH_MS;
    const dueMs = this.#due.size > 0 ? Math.min(...this.#due.values()) - monotonicMs() : refreshMs;
    this.#timer = setTimeout(() => {
      this.#isReading = true;
      this.#reading = this.#read().finally(() => {
        this.#isReading = false;
        this.#plan();
      });
    }, Math.max(0, dueMs));
  }

  /** Reads what is due; a part that cannot be read keeps what was exported, and is tried with the next refresh. */
  async #read(): Promise<void> {
    const nowMs = monotonicMs();
    const parts = this.#due.size === 0
      ? PARTS
      : PARTS.filter((part) => (this.#due.get(part) ?? Infinity) <= nowMs + 1);
    for (const part of parts) this.#due.delete(part);
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
    const answer = await this.#ask("initialize", params);
    await this.#options.handler(
      new FeedCall(notification("notifications/initialized"), this.#session),
    );
    this.#isInitialized = true;
    const capabilities = answer.object("capabilities");
    this.#capabilities = [...capabilities.keys()].map((key) =>
      jsonEntry(key, capabilities.value(key))
    );
    for (const kind of SHARED_KINDS) {
      const name = kind === "contents" ? "resources" : kind;
      this.#isTold[kind] = capabilities.object(name).value("listChanged") === true;
    }
    this.#isTold.contents = false; // the gateway subscribes to none
    this.#writeState();
  }

  async #readPart(part: Part): Promise<void> {
    const kinds = SHARED_KINDS.filter((kind) => PART_OF[kind] === part);
    const before = kinds.map((kind) => this.#changes[kind]);
    const readMs = Date.now();
    if (part === "tool") await this.#readList("tool", "tools");
    else if (part === "prompt") await this.#readList("prompt", "prompts");
    else if (this.#options.resources.length > 0) await this.#readResources();
    kinds.forEach((kind, index) => {
      this.#isCurrent[kind] = this.#changes[kind] === before[index];
      this.#readMs[kind] = readMs;
    });
    this.#writeState();
  }

  /** All pages of a list; nothing where the server has none, or calls it private. */
  async #readList(part: Part, kind: ListKind): Promise<void> {
    const pages = await this.#pages(kind);
    const entries = pages.flatMap((page) => rawItems(page.get(kind))).map(itemEntry);
    const list = exportedList(pages, kind, entries, this.#options.isForAll);
    if (list === undefined) this.#lists.delete(kind);
    else this.#lists.set(kind, jsonEntry(listKey(kind), list));
    this.#options.target.replace(part, entries);
  }

  async #readResources(): Promise<void> {
    this.#resourcesReadMs = monotonicMs();
    const { resources, isForAll, target } = this.#options;
    const before = this.#changes.contents;
    const wanted = (await this.#pages("resources"))
      .flatMap((page) => rawItems(page.get("resources")))
      .map((item) => new RawObject(item))
      .map((item) => ({ uri: String(item.value("uri")), name: item.value("name") }))
      .filter(({ uri }) => resources.some((glob) => matchesGlob(glob, uri)))
      .slice(0, RESOURCES_MAX);
    const entries: PartEntry[] = [];
    for (const { uri, name } of wanted) {
      const entry = contentsEntry(uri, name, await this.#ask("resources/read", { uri }), isForAll);
      if (entry !== undefined) entries.push(entry);
    }
    if (this.#changes.contents === before) target.replace("resource", entries);
  }

  async #pages(kind: ListKind | "resources"): Promise<RawObject[]> {
    const pages: RawObject[] = [];
    let cursor: unknown;
    for (let page = 0; page < PAGES_MAX; page++) {
      const answer = await this.#ask(`${kind}/list`, cursor === undefined ? {} : { cursor });
      if (answer.value("cacheScope") === "private") return [];
      pages.push(answer);
      cursor = answer.value("nextCursor");
      if (cursor === undefined) break;
    }
    return pages;
  }

  #writeState(): void {
    clearTimeout(this.#stateTimer);
    this.#stateTimer = undefined;
    this.#stateMs = monotonicMs();
    const { instance } = this.#options;
    const state = jsonEntry(STATE_KEY, {
      instance,
      changes: this.#changes,
      isCurrent: this.#isCurrent,
      readMs: this.#readMs,
      isTold: this.#isTold,
    });
    this.#options.target.replace("capability", [
      ...this.#capabilities,
      state,
      ...this.#lists.values(),
    ]);
  }

  /** The result of a request; an empty one where the server has no such method. */
  async #ask(method: string, params: unknown): Promise<RawObject> {
    const call = new FeedCall(request(crypto.randomUUID(), method, params), this.#session);
    const answer = (await this.#options.handler(call))!;
    if (!answer.isError) return new RawObject(answer.bytes).object("result");
    const { code, message } = answer.json().error;
    if (method.endsWith("/list") && code === METHOD_NOT_FOUND) return new RawObject();
    throw new GatewayError("UpstreamProtocolError", `Cannot export: ${method}: ${message}`);
  }
}

const PARTS: readonly Part[] = ["tool", "prompt", "resource"];
const METHOD_NOT_FOUND = -32601;

function perKind<T>(value: T): Record<SharedKind, T> {
  return { tools: value, prompts: value, resources: value, contents: value };
}
