/**
 * The exporter: holds what is exported, and publishes it when it changed, at most once per flush interval. Its first failure
 * switches it off for good and takes the snapshot away; whoever feeds it need not know.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import { type EncodedEntry, encodeEntry, type ExportEntry, placeEntry } from "./entry.ts";
import { ShmError } from "./errors.ts";
import { type EntryType, FILE_BYTES_MAX, KEY_BYTES_MAX, numbersOf } from "./layout.ts";
import { sameBytes } from "./published.ts";
import { type Published, Publisher } from "./publisher.ts";

/** How an exporter works. */
export interface ExporterOptions {
  readonly path: string;
  /** Size limit of the file; 10 MiB by default. */
  readonly bytesMax?: number;
  /** Least time between two snapshots because of changes; 100 by default. */
  readonly flushIntervalMs?: number;
  /** How often the file is looked at, and made again when somebody damaged or removed it; 1000 by default. */
  readonly checkIntervalMs?: number;
  /** An unchanged export is published again after this time, so that an old snapshot tells of a dead writer; 5000 by default. */
  readonly refreshIntervalMs?: number;
  /** Called once, when the exporter switches off. */
  readonly onOff: (error: ShmError) => void;
}

/** What an exporter tells about itself. */
export interface ExporterFigures {
  readonly on: boolean;
  /** Entries held, published or about to be. */
  readonly entries: number;
  /** Size of the last snapshot; 0 before the first and when off. */
  readonly bytes: number;
  readonly publishedCount: number;
  readonly sequence: number;
  /** Since the last snapshot; `undefined` before the first. */
  readonly ageMs: number | undefined;
  /** Share of the last snapshot's entry bytes that has been replaced or removed since, 0 to 1; every snapshot begins with 0. */
  readonly fragmentation: number;
}

/** An entry as it is held. */
interface Held {
  readonly type: EntryType;
  /** JSON of the metadata without the time that is added to it. */
  readonly metadataText: string;
  readonly encoded: EncodedEntry;
  hits: number;
  published: boolean;
}

const encoder = new TextEncoder();

/** Exports entries at a path. Only the first failure is told; after it all calls do nothing. */
export class Exporter implements Disposable {
  readonly #options: Required<ExporterOptions>;
  readonly #held = new Map<string, Held>();
  #publisher: Publisher | undefined;
  #last: Published | undefined;
  #lastAtMs = -Infinity;
  #publishedCount = 0;
  #entryBytesPublished = 0;
  #entryBytesStale = 0;
  #dirty = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the path; an exporter that cannot is off from the start and has told so. */
  constructor(options: ExporterOptions) {
    this.#options = {
      bytesMax: FILE_BYTES_MAX,
      flushIntervalMs: 100,
      checkIntervalMs: 1000,
      refreshIntervalMs: 5000,
      ...options,
    };
    this.#guarded(() => {
      this.#publisher = new Publisher(options.path, { bytesMax: this.#options.bytesMax });
      this.#schedule();
    });
  }

  /** Does it still export? */
  get on(): boolean {
    return this.#publisher !== undefined;
  }

  /** Adds an entry or replaces the one of the same type and key. `updatedMs` joins its metadata. */
  put(entry: ExportEntry): void {
    if (!this.on) return;
    this.#guarded(() => {
      if (this.#put(entry)) this.#changed();
    });
  }

  /** Replaces all entries of a type: a list that has been read anew. */
  replace(type: EntryType, entries: readonly Omit<ExportEntry, "type">[]): void {
    if (!this.on) return;
    this.#guarded(() => {
      const keys = new Set(entries.map(({ key }) => nameOf(type, key)));
      let changed = false;
      for (const [name, held] of this.#held) {
        if (held.type === type && !keys.has(name)) changed = this.#remove(name) || changed;
      }
      for (const entry of entries) changed = this.#put({ ...entry, type }) || changed;
      if (changed) this.#changed();
    });
  }

  /** Removes an entry; gives whether it was there. */
  delete(type: EntryType, key: string): boolean {
    const removed = this.#remove(nameOf(type, key));
    if (removed) this.#changed();
    return removed;
  }

  /** Removes all entries of a type, or all entries; gives how many. */
  invalidate(type?: EntryType): number {
    let count = 0;
    for (const [name, held] of this.#held) {
      if ((type === undefined || held.type === type) && this.#remove(name)) count++;
    }
    if (count > 0) this.#changed();
    return count;
  }

  /** Counts a read of an entry: hotter entries come first in the published index, from the next snapshot on. */
  hit(type: EntryType, key: string): void {
    const held = this.#held.get(nameOf(type, key));
    if (held !== undefined) held.hits++;
  }

  /** Publishes now if something changed. */
  flush(): void {
    if (this.#dirty) this.#guarded(() => this.#publish());
  }

  /** What it has done. */
  figures(): ExporterFigures {
    return {
      on: this.on,
      entries: this.#held.size,
      bytes: this.#last?.bytes ?? 0,
      publishedCount: this.#publishedCount,
      sequence: this.#last?.sequence ?? 0,
      ageMs: this.#last === undefined ? undefined : monotonicMs() - this.#lastAtMs,
      fragmentation: this.#entryBytesPublished === 0
        ? 0
        : this.#entryBytesStale / this.#entryBytesPublished,
    };
  }

  /** Takes the snapshot away and lets the next writer have the path. */
  [Symbol.dispose](): void {
    this.#guarded(() => this.#close());
  }

  #put(entry: ExportEntry): boolean {
    const name = nameOf(entry.type, entry.key);
    const before = this.#held.get(name);
    // What no key length can say is not exported: a miss for readers, and no reason to stop exporting the rest.
    if (encoder.encode(entry.key).length > KEY_BYTES_MAX) return false;
    const data = typeof entry.data === "string" ? encoder.encode(entry.data) : entry.data;
    const metadataText = JSON.stringify(entry.metadata ?? {});
    const isSame = before?.metadataText === metadataText && hasData(before.encoded, data);
    if (isSame) return false;
    const metadata = { ...entry.metadata, updatedMs: Date.now() };
    const encoded = encodeEntry({ ...entry, data, metadata });
    this.#remove(name);
    const { type } = entry;
    const hits = before?.hits ?? 0;
    this.#held.set(name, { type, metadataText, encoded, hits, published: false });
    return true;
  }

  #remove(name: string): boolean {
    const held = this.#held.get(name);
    if (held === undefined) return false;
    if (held.published) this.#entryBytesStale += held.encoded.bytes.length;
    return this.#held.delete(name);
  }

  #changed(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#schedule();
  }

  #schedule(): void {
    if (!this.on) return;
    clearTimeout(this.#timer);
    const { flushIntervalMs, checkIntervalMs } = this.#options;
    const sincePublishedMs = monotonicMs() - this.#lastAtMs;
    const delayMs = this.#dirty ? Math.max(0, flushIntervalMs - sincePublishedMs) : checkIntervalMs;
    this.#timer = setTimeout(() => this.#guarded(() => this.#onTime()), delayMs);
    // Deno 2.9 returns an object like Node's, earlier ones a number; `unrefTimer` takes both.
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  #onTime(): void {
    const isOld = monotonicMs() - this.#lastAtMs >= this.#options.refreshIntervalMs;
    if (this.#dirty || isOld || !this.#publisher!.intact()) this.#publish();
    else this.#schedule();
  }

  #publish(): void {
    if (this.#publisher === undefined) return;
    const held = [...this.#held.values()];
    const entries = held.map(({ encoded, hits }) => ({ ...encoded, heat: hits }));
    this.#last = this.#publisher.publish(entries);
    this.#lastAtMs = monotonicMs();
    this.#publishedCount++;
    this.#entryBytesPublished = 0;
    this.#entryBytesStale = 0;
    for (const entry of held) {
      entry.published = true;
      this.#entryBytesPublished += entry.encoded.bytes.length;
    }
    this.#dirty = false;
    this.#schedule();
  }

  /** A failure of the exporter must not become one of the traffic that feeds it. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#off(thrown);
    }
  }

  #off(thrown: unknown): void {
    const error = thrown instanceof ShmError
      ? thrown
      : new ShmError("refused", `Cannot export: ${reasonOf(thrown)}`, { cause: thrown });
    try {
      this.#close();
    } catch {
      // Why it goes off is told; that the file cannot be taken away either follows from it.
    }
    this.#options.onOff(error);
  }

  #close(): void {
    clearTimeout(this.#timer);
    const publisher = this.#publisher;
    this.#publisher = undefined;
    this.#last = undefined;
    this.#held.clear();
    publisher?.[Symbol.dispose]();
  }
}

function nameOf(type: EntryType, key: string): string {
  return `${type}:${key.toWellFormed()}`;
}

function hasData(entry: EncodedEntry, data: Uint8Array): boolean {
  const place = placeEntry(numbersOf(entry.bytes), 0, entry.bytes.length)!;
  return place.dataEnd - place.dataStart === data.length &&
    sameBytes(entry.bytes, place.dataStart, data, 0, data.length);
}
