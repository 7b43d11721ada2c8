/**
 * Remembered lists as files: one for each endpoint, named by a hash of it, readable by their owner only.
 *
 * @module
 */
import { reasonOf } from "../core/errors.ts";
import { RawObject } from "../core/raw_object.ts";
import { type CatalogueStore, isKeptHead, type KeptList } from "./catalogue.ts";
import { itemsOf, LISTS, partOf } from "./lists.ts";
import { joinElements, rawElements } from "./raw_array.ts";

/** Bytes of one file. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;
/** Files that are kept; the least recently written go first. */
const FILES_MAX = 200;
/** Lists older than this are forgotten, ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;
/** What changes within so many ms is written together: soon, since hosts do not always wait for an orderly end. */
const WRITE_DELAY_MS = 50;
const FORMAT = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Lists waiting to be written. */
interface Pending {
  readonly lists: () => readonly KeptList[];
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Files in a folder. Dispose it to write what waits. */
export class CatalogueFiles implements CatalogueStore {
  readonly #folder: string;
  readonly #warn: (text: string) => void;
  readonly #pending = new Map<string, Pending>();
  #writing: Promise<void> = Promise.resolve();
  #isBroken = false;

  /** @param warn told when a file is broken, or nothing can be written */
  constructor(folder: string, warn: (text: string) => void) {
    this.#folder = folder;
    this.#warn = warn;
  }

  async read(fingerprint: string): Promise<readonly KeptList[]> {
    const path = this.#path(fingerprint);
    try {
      const { isFile, size } = await Deno.lstat(path);
      if (!isFile || size > FILE_BYTES_MAX) throw new Error("it is no file of ours");
      return parse(await Deno.readFile(path));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#warn(`Cannot read catalogue ${path}: ${reasonOf(error)}; it is ignored`);
      }
      return [];
    }
  }

  write(fingerprint: string, lists: () => readonly KeptList[]): void {
    if (this.#isBroken || this.#pending.has(fingerprint)) return;
    const timer = setTimeout(() => this.#flush(fingerprint), WRITE_DELAY_MS);
    this.#pending.set(fingerprint, { lists, timer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fingerprint of [...this.#pending.keys()]) this.#flush(fingerprint);
    await this.#writing;
  }

  #flush(fingerprint: string): void {
    const { lists, timer } = this.#pending.get(fingerprint)!;
    clearTimeout(timer);
    this.#pending.delete(fingerprint);
    this.#writing = this.#writing.then(() => this.#write(fingerprint, lists()));
  }

  /** Written beside, then renamed: a reader sees the old file or the new one. */
  async #write(fingerprint: string, lists: readonly KeptList[]): Promise<void> {
    const path = this.#path(fingerprint);
    const beside = `${path}.${crypto.randomUUID()}.tmp`;
    try {
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      try {
        await Deno.writeFile(beside, compose(lists), { createNew: true, mode: 0o600 });
        await Deno.rename(beside, path);
      } catch (error) {
        await Deno.remove(beside).catch(() => {}); // it may never have been there
        throw error;
      }
      await this.#prune();
    } catch (error) {
      this.#isBroken = true;
      this.#warn(`Cannot write catalogue ${path}: ${reasonOf(error)}; lists are not remembered`);
    }
  }

  async #prune(): Promise<void> {
    const files: { path: string; writtenMs: number }[] = [];
    for await (const { name } of Deno.readDir(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      const stat = await Deno.stat(path).catch(() => undefined); // another process prunes too
      if (stat?.isFile) files.push({ path, writtenMs: stat.mtime?.getTime() ?? 0 });
    }
    files.sort((a, b) => b.writtenMs - a.writtenMs);
    for (const { path } of files.slice(FILES_MAX)) await Deno.remove(path).catch(() => {}); // likewise
  }

  #path(fingerprint: string): string {
    return `${this.#folder}/${fingerprint}.json`;
  }
}

/** @throws {Error} when the text is not what {@link compose} writes */
function parse(bytes: Uint8Array): KeptList[] {
  JSON.parse(decoder.decode(bytes)); // a whole text of bounded depth, before it is taken apart
  const whole = new RawObject(bytes);
  if (whole.value("format") !== FORMAT) return [];
  const oldestMs = Date.now() - KEPT_MS;
  return rawElements(whole.get("lists") ?? encoder.encode("[]"), Infinity).flatMap((raw) => {
    const list = new RawObject(raw);
    const head: Record<string, unknown> = {};
    for (const key of ["client", "method", "keptMs"]) head[key] = list.value(key);
    if (!isKeptHead(head) || head.keptMs < oldestMs) return [];
    const part = partOf(itemsOf(list.get("items"), LISTS[head.method].key));
    return [{ client: head.client, method: head.method, keptMs: head.keptMs, part }];
  });
}

/** The newest lists, as many as fit. */
function compose(lists: readonly KeptList[]): Uint8Array {
  const elements: Uint8Array[] = [];
  let length = 0;
  for (const list of lists.toSorted((a, b) => b.keptMs - a.keptMs)) {
    const { client, method, keptMs, part } = list;
    const element = new RawObject().put("client", client).put("method", method)
      .put("keptMs", keptMs).set("items", part.text).bytes();
    length += element.length + 1;
    if (length > FILE_BYTES_MAX - 100) break;
    elements.push(element);
  }
  return new RawObject().put("format", FORMAT).set("lists", joinElements(elements)).bytes();
}
