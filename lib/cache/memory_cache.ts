/**
 * The first tier: answers in the memory of the process, the least recently used given up first.
 *
 * Of our own and not npm's lru-cache: an answer has two keys (what was asked, and for whom), lives for a time of its
 * own and is judged by its upstream's changes, so what would be left of the library is its list (bench/cache_bench.ts).
 *
 * @module
 */
import type { KeptAnswer } from "./kept_answer.ts";

/** Limits of the tier. */
export interface MemoryCacheOptions {
  /** All answers and their keys together, bytes. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** Told of the size after each change. */
  readonly onSize?: (bytes: number, entries: number) => void;
}

/** What an entry costs besides its text, bytes (a heap snapshot of 10,000 small ones, Deno 2.9.6). */
const ENTRY_BYTES = 600;

interface Entry {
  readonly key: string;
  readonly scope: string;
  readonly answer: KeptAnswer;
  readonly bytes: number;
  newer: Entry | undefined;
  older: Entry | undefined;
}

/** See the module. One for all upstreams of a gateway. */
export class MemoryCache {
  readonly #options: MemoryCacheOptions;
  readonly #byKey = new Map<string, Map<string, Entry>>();
  #newest: Entry | undefined;
  #oldest: Entry | undefined;
  #bytes = 0;
  #entries = 0;

  constructor(options: MemoryCacheOptions) {
    this.#options = options;
  }

  /** Memory in use, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Answers. */
  get entries(): number {
    return this.#entries;
  }

  /** Whether anything is kept for a request, whoever it is for. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** The answer to a request for those in a scope. */
  get(key: string, scope: string): KeptAnswer | undefined {
    const entry = this.#byKey.get(key)?.get(scope);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.answer;
  }

  /** Keeps an answer in the place of the one before; one that is too large by itself is not kept. */
  set(key: string, scope: string, answer: KeptAnswer): void {
    this.delete(key, scope);
    const bytes = answer.byteLength + 2 * (key.length + scope.length) + ENTRY_BYTES;
    if (bytes > this.#options.bytesMax) return;
    const entry: Entry = { key, scope, answer, bytes, newer: undefined, older: undefined };
    let scopes = this.#byKey.get(key);
    if (scopes === undefined) this.#byKey.set(key, scopes = new Map());
    scopes.set(scope, entry);
    this.#bytes += bytes;
    this.#entries++;
    this.#link(entry);
    const { bytesMax, entriesMax } = this.#options;
    while (this.#bytes > bytesMax || this.#entries > entriesMax) this.#remove(this.#oldest!);
    this.#tell();
  }

  /** Gives an answer up. */
  delete(key: string, scope: string): void {
    const entry = this.#byKey.get(key)?.get(scope);
    if (entry === undefined) return;
    this.#remove(entry);
    this.#tell();
  }

  #remove(entry: Entry): void {
    const scopes = this.#byKey.get(entry.key)!;
    scopes.delete(entry.scope);
    if (scopes.size === 0) this.#byKey.delete(entry.key);
    this.#unlink(entry);
    this.#bytes -= entry.bytes;
    this.#entries--;
  }

  #link(entry: Entry): void {
    entry.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: Entry): void {
    const { newer, older } = entry;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    entry.newer = entry.older = undefined;
  }

  #tell(): void {
    this.#options.onSize?.(this.#bytes, this.#entries);
  }
}
