/**
 * Publishes snapshots at a path: a new file beside it, then `rename` over it, then a mark in the file that was replaced. A file is
 * never changed once it has its name but for that mark, so no reader sees two snapshots mixed. Nothing is written through a
 * mapping: if somebody truncates the file, a mapping would end this process.
 *
 * @module
 */
import { closeSync, fchmodSync, fstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import type { EncodedEntry } from "./entry.ts";
import { ShmError } from "./errors.ts";
import {
  createNew,
  type OpenFile,
  openOwn,
  readAll,
  refuseForeign,
  removeOwn,
  statPath,
  writeAll,
  writeError,
} from "./files.ts";
import { FILE_BYTES_MAX, numbersOf, OFFSET, STATE_SUPERSEDED } from "./layout.ts";
import { recogniseLayout } from "./plain_layouts.ts";
import { buildSnapshot } from "./snapshot.ts";
import { quickFault, readHeader } from "./verify.ts";
import { lockWriter, type WriterLock } from "./writer_lock.ts";

/** What was published. */
export interface Published {
  readonly sequence: number;
  readonly generation: number;
  readonly bytes: number;
  /** Unix time in ms. */
  readonly publishedMs: number;
}

/** The file that readers find at the path, held open. */
type Current = OpenFile;

const SUPERSEDED = new Uint8Array(4);
numbersOf(SUPERSEDED).setUint32(0, STATE_SUPERSEDED);

/** The one writer of a path. */
export class Publisher implements Disposable {
  readonly path: string;
  readonly #temporaryPath: string;
  readonly #bytesMax: number;
  readonly #lock: WriterLock;
  #current: Current | undefined;
  #sequence = 0;
  #generation = 1;

  /**
   * Takes the lock, clears what a killed writer left, and continues its numbers.
   *
   * @param bytesMax size limit of the file
   * @throws ShmError `locked`; `refused` when something stands there that must not be replaced
   */
  constructor(path: string, { bytesMax = FILE_BYTES_MAX }: { bytesMax?: number } = {}) {
    this.path = path;
    this.#temporaryPath = `${path}.tmp`;
    this.#bytesMax = bytesMax;
    this.#lock = lockWriter(path);
    try {
      this.#takeOver();
      removeOwn(this.#temporaryPath);
    } catch (thrown) {
      this.#letGo();
      if (!this.#lock.existed) removeOwn(`${path}.lock`);
      this.#lock[Symbol.dispose]();
      throw thrown;
    }
  }

  /**
   * Builds a snapshot and puts it at the path. After an error the snapshot before it still stands there.
   *
   * @throws ShmError `full` over the limit or without room; `refused` when the system or a planted file says no
   */
  publish(entries: readonly EncodedEntry[]): Published {
    const stamp = {
      sequence: this.#sequence + 1,
      generation: this.#generation,
      publishedMs: Date.now(),
      pid: Deno.pid,
    };
    const bytes = buildSnapshot(entries, stamp, this.#bytesMax);
    const found = statPath(this.path);
    if (found !== undefined) refuseForeign("replace", this.path, found);
    const fd = this.#write(bytes);
    const replaced = this.#current;
    this.#current = { fd, stats: fstatSync(fd) };
    this.#sequence = stamp.sequence;
    if (replaced !== undefined) markSuperseded(replaced.fd, this.path);
    const { sequence, generation, publishedMs } = stamp;
    return { sequence, generation, bytes: bytes.length, publishedMs };
  }

  /** Does our last snapshot still stand at the path, untouched? `false` also before the first. */
  intact(): boolean {
    const found = statPath(this.path);
    const own = this.#current?.stats;
    return found !== undefined && own !== undefined && isSameFile(found, own) &&
      found.size === own.size && found.mtimeMs === own.mtimeMs;
  }

  /** Takes the snapshot away: readers that hold it see the mark, new ones find nothing. */
  withdraw(): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    const found = statPath(this.path);
    try {
      if (found !== undefined && isSameFile(found, current.stats)) unlinkSync(this.path);
    } catch (thrown) {
      throw writeError("remove", this.path, thrown);
    } finally {
      markSuperseded(current.fd, this.path);
    }
  }

  /** Withdraws the snapshot and lets the next writer have the path. */
  [Symbol.dispose](): void {
    try {
      this.withdraw();
    } finally {
      this.#lock[Symbol.dispose]();
    }
  }

  /** Looks at what a writer before us left at the path. */
  #takeOver(): void {
    if (statPath(this.path) === undefined) return;
    const file = openOwn(this.path);
    this.#current = file;
    // A whole file, not only its start: the older variant is told by its index alone.
    const bytes = readAll(file.fd, Math.min(file.stats.size, FILE_BYTES_MAX));
    const layout = recogniseLayout(bytes);
    if (layout !== "extended") this.#letGo(); // it has no place for the mark
    if (layout === "extended" && quickFault(bytes) === undefined) {
      const { sequence, generation } = readHeader(bytes);
      if (Number.isSafeInteger(sequence + 1)) this.#sequence = sequence;
      if (Number.isSafeInteger(generation + 1)) this.#generation = generation + 1;
    } else if (layout === undefined && bytes.length > 0 && !this.#lock.existed) {
      // Where we have locked before, a damaged export is ours to repair; elsewhere it is somebody's file.
      const why = "the file there is no export";
      throw new ShmError("refused", `Cannot export to ${this.path}: ${why}`);
    }
  }

  /** Writes the file under its temporary name and gives it the real one; gives its descriptor. */
  #write(bytes: Uint8Array): number {
    const fd = createNew(this.#temporaryPath);
    try {
      fchmodSync(fd, 0o600); // whatever the umask took away
      writeAll(fd, this.#temporaryPath, bytes);
      renameSync(this.#temporaryPath, this.path);
      return fd;
    } catch (thrown) {
      closeSync(fd);
      removeOwn(this.#temporaryPath);
      throw thrown instanceof ShmError ? thrown : writeError("replace", this.path, thrown);
    }
  }

  #letGo(): void {
    if (this.#current === undefined) return;
    closeSync(this.#current.fd);
    this.#current = undefined;
  }
}

/** Tells those who hold the file that it is no longer the newest, and closes it. */
function markSuperseded(fd: number, path: string): void {
  try {
    // Never longer than it was: to a file that somebody cut, the mark would add a piece with a hole before it.
    if (fstatSync(fd).size >= OFFSET.data) writeAll(fd, path, SUPERSEDED, OFFSET.state);
  } finally {
    closeSync(fd);
  }
}

function isSameFile(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}
