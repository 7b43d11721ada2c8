/**
 * A reader that follows a path from snapshot to snapshot, however the bytes of one get into this process.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { ShmError } from "./errors.ts";
import { type EntryType, FILE_BYTES_MAX } from "./layout.ts";
import type { EntryName, ExportedEntry, SnapshotView } from "./reader_view.ts";
import type { SnapshotHeader } from "./verify.ts";

/** A checked snapshot that is held open. */
export interface HeldSnapshot extends Disposable {
  readonly view: SnapshotView;
  /** May the view be read now, and is it, as far as this way of reading knows, the newest? Asked before every lookup. */
  usable(): boolean;
  /** Is it the file that stands at the path, unchanged? Asked once per check interval. */
  stands(): boolean;
}

/**
 * Opens and checks what stands at a path.
 *
 * @throws ShmError when there is nothing, or nothing whole
 */
export type Hold = (path: string, bytesMax: number) => HeldSnapshot;

/** What may be chosen about a reader. */
export interface ReaderOptions {
  /** Least time between two looks at the path; 100 by default, 0 looks at each lookup. */
  readonly checkIntervalMs?: number;
  /** Largest file that is taken; 10 MiB by default. */
  readonly bytesMax?: number;
}

/** What a reader knows about the export. */
export interface ExportInfo {
  readonly path: string;
  /** Why nothing can be read; `undefined` when all is well. */
  readonly problem: string | undefined;
  /** The header of the snapshot in use. */
  readonly header: SnapshotHeader | undefined;
  /** Bytes of the snapshot in use. */
  readonly bytes: number;
  /** Since the snapshot was published, by the wall clock. */
  readonly ageMs: number | undefined;
  /** Snapshots opened so far. */
  readonly opened: number;
}

/** Reads an export. While there is none, or none that is whole, every lookup is a miss and {@link ExportReader.info} says why. */
export interface ExportReader extends Disposable {
  /** Copies an entry. */
  get(type: EntryType, key: string): ExportedEntry | undefined;
  /**
   * The metadata of an entry, without a copy of its data.
   *
   * @throws ShmError `invalid` when it is no JSON object
   */
  metadata(type: EntryType, key: string): Record<string, unknown> | undefined;
  /** Type and key of all entries. */
  names(type?: EntryType): EntryName[];
  /** Looks at the path, then tells what there is. */
  info(): ExportInfo;
}

/** A writer at full rate may replace a snapshot while it is opened; then the next one is tried, this often. */
const OPEN_TRIES = 4;

/** Follows a path by opening snapshots with `hold`. */
export class FollowingReader implements ExportReader {
  readonly #path: string;
  readonly #hold: Hold;
  readonly #checkIntervalMs: number;
  readonly #bytesMax: number;
  #held: HeldSnapshot | undefined;
  #problem: string | undefined;
  #checkedAtMs = -Infinity;
  #opened = 0;
  #closed = false;

  /** Opens nothing yet. */
  constructor(path: string, hold: Hold, options: ReaderOptions = {}) {
    this.#path = path;
    this.#hold = hold;
    this.#checkIntervalMs = options.checkIntervalMs ?? 100;
    this.#bytesMax = options.bytesMax ?? FILE_BYTES_MAX;
  }

  get(type: EntryType, key: string): ExportedEntry | undefined {
    return this.#view()?.get(type, key);
  }

  metadata(type: EntryType, key: string): Record<string, unknown> | undefined {
    return this.#view()?.metadata(type, key);
  }

  names(type?: EntryType): EntryName[] {
    return this.#view()?.names(type) ?? [];
  }

  info(): ExportInfo {
    if (!this.#closed) this.#check();
    const header = this.#held?.view.header;
    return {
      path: this.#path,
      problem: this.#problem,
      header,
      bytes: this.#held?.view.byteLength ?? 0,
      ageMs: header === undefined ? undefined : Date.now() - header.publishedMs,
      opened: this.#opened,
    };
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#drop("the reader is closed");
  }

  #view(): SnapshotView | undefined {
    const held = this.#held;
    const isDue = monotonicMs() - this.#checkedAtMs >= this.#checkIntervalMs;
    if (this.#closed || (held === undefined && !isDue)) return undefined;
    if (held !== undefined && !isDue && held.usable()) return held.view;
    this.#check();
    return this.#held?.view;
  }

  #check(): void {
    this.#checkedAtMs = monotonicMs();
    try {
      if (this.#held?.usable() && this.#held.stands()) return;
      this.#drop(undefined);
      for (let tries = 1; this.#held === undefined; tries++) this.#open(tries === OPEN_TRIES);
    } catch (thrown) {
      if (!(thrown instanceof ShmError)) throw thrown;
      this.#drop(thrown.message);
    }
  }

  /** @param last take a snapshot that has just been replaced, too: it is only a moment old */
  #open(last: boolean): void {
    const held = this.#hold(this.#path, this.#bytesMax);
    this.#opened++;
    if (held.usable() || (last && !held.stands())) {
      this.#held = held;
      return;
    }
    const isWithdrawn = held.stands();
    held[Symbol.dispose]();
    if (isWithdrawn) {
      throw new ShmError("invalid", `Cannot read ${this.#path}: its writer has withdrawn it`);
    }
  }

  #drop(problem: string | undefined): void {
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
    this.#problem = problem;
  }
}
