/**
 * What servers listed last, for clients that come before their servers do. A list is shown again only to
 * clients of the same owner, capabilities and protocol version, and only for the same endpoint.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { RequestInfo } from "../core/connection.ts";
import { ownerOf } from "../core/owner.ts";
import { isListMethod, type ListMethod, type ListPart } from "./lists.ts";

/** Lists that are remembered. */
const LISTS_MAX = 1_000;
/** Bytes of their items; the same items count once. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A remembered list. */
export interface KeptList {
  /** Which clients may be shown it. */
  readonly client: string;
  readonly method: ListMethod;
  /** When it came, ms since 1970. */
  readonly keptMs: number;
  readonly part: ListPart;
}

/** Where lists outlive the process. */
export interface CatalogueStore extends AsyncDisposable {
  /** What was written for an endpoint; nothing when there is no such file, or it is broken. Never rejects. */
  read(fingerprint: string): Promise<readonly KeptList[]>;
  /** Writes the lists of an endpoint soon. */
  write(fingerprint: string, lists: () => readonly KeptList[]): void;
}

interface Entry extends KeptList {
  readonly fingerprint: string;
}

/** Which clients may be shown the same lists. */
export function catalogueKey(
  request: RequestInfo,
  version: string,
  capabilities: Uint8Array | undefined,
): string {
  return createHash("sha256").update(`${ownerOf(request)}\0${version}\0`)
    .update(capabilities ?? "").digest("base64url");
}

/** Remembered lists. Dispose it to write what is not written yet. */
export class Catalogue implements AsyncDisposable {
  readonly #store: CatalogueStore | undefined;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  /** Equal lists are one object, however many clients were given them. */
  readonly #parts = new Map<string, { readonly part: ListPart; uses: number }>();
  #bytes = 0;

  constructor(store?: CatalogueStore) {
    this.#store = store;
  }

  /** Takes over what earlier runs knew of an endpoint, unless this one knows it already. */
  async load(fingerprint: string): Promise<void> {
    if (this.#of(fingerprint).length > 0) return;
    const lists = await this.#store?.read(fingerprint) ?? [];
    for (const list of lists) this.#put({ ...list, fingerprint });
  }

  /** A list from before; `undefined` when there is none for such a client. */
  find(fingerprint: string, client: string, method: ListMethod): ListPart | undefined {
    const key = keyOf(fingerprint, client, method);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.part;
  }

  /** Remembers a list; returns the same list, possibly as the object that holds it already. */
  keep(fingerprint: string, client: string, method: ListMethod, part: ListPart): ListPart {
    const before = this.#entries.get(keyOf(fingerprint, client, method));
    const kept = this.#put({ fingerprint, client, method, keptMs: Date.now(), part });
    if (before?.part.digest !== part.digest) {
      this.#store?.write(fingerprint, () => this.#of(fingerprint));
    }
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
  }

  #put(entry: Entry): ListPart {
    const key = keyOf(entry.fingerprint, entry.client, entry.method);
    this.#drop(key);
    const content = contentKey(entry);
    let shared = this.#parts.get(content);
    if (shared === undefined) {
      shared = { part: entry.part, uses: 0 };
      this.#parts.set(content, shared);
      this.#bytes += entry.part.text.length;
    }
    shared.uses++;
    this.#entries.set(key, { ...entry, part: shared.part });
    for (const oldest of this.#entries.keys()) {
      const isTooMuch = this.#entries.size > LISTS_MAX || this.#bytes > BYTES_MAX;
      if (!isTooMuch || oldest === key) break;
      this.#drop(oldest);
    }
    return shared.part;
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const shared = this.#parts.get(contentKey(entry))!;
    if (--shared.uses > 0) return;
    this.#parts.delete(contentKey(entry));
    this.#bytes -= entry.part.text.length;
  }

  #of(fingerprint: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.fingerprint === fingerprint);
  }
}

function keyOf(fingerprint: string, client: string, method: ListMethod): string {
  return `${fingerprint} ${client} ${method}`;
}

/** The same for lists that are equal; of another method the same text means something else. */
function contentKey({ method, part }: KeptList): string {
  return `${method} ${part.digest}`;
}

/** Whether a value out of a file is one of our keys. */
export function isKeptHead(
  value: Record<string, unknown>,
): value is { client: string; method: ListMethod; keptMs: number } {
  return typeof value.client === "string" && typeof value.keptMs === "number" &&
    typeof value.method === "string" && isListMethod(value.method);
}
