/**
 * Reads an export with `pread` on a held descriptor. A snapshot has to be read whole to check its sum, so it is kept: lookups then
 * touch memory of this process only, and a file that somebody cuts can do no harm. Costs the file's size in memory.
 *
 * @module
 */
import { closeSync, type Stats } from "node:fs";
import { ShmError } from "./errors.ts";
import { openForReading, readAll, statPath } from "./files.ts";
import {
  type ExportReader,
  FollowingReader,
  type HeldSnapshot,
  type ReaderOptions,
} from "./following_reader.ts";
import { SnapshotView } from "./reader_view.ts";
import { quickFault } from "./verify.ts";

/** Opens a reader that copies each snapshot. Deno opens files below `/dev` with `--allow-all` only; elsewhere `--allow-read` will do. */
export function openPreadReader(path: string, options?: ReaderOptions): ExportReader {
  return new FollowingReader(path, hold, options);
}

function hold(path: string, bytesMax: number): HeldSnapshot {
  const { fd, stats } = openForReading(path);
  try {
    if (stats.size > bytesMax) {
      const why = `it has ${stats.size} bytes, at most ${bytesMax} are allowed`;
      throw new ShmError("invalid", `Cannot read ${path}: ${why}`);
    }
    const bytes = readAll(fd, stats.size);
    const fault = quickFault(bytes);
    if (fault !== undefined) {
      throw new ShmError("invalid", `Cannot read ${path}: at ${fault.offset}: ${fault.why}`);
    }
    return new Copied(path, fd, stats, new SnapshotView(bytes));
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
}

class Copied implements HeldSnapshot {
  readonly view: SnapshotView;
  readonly #path: string;
  readonly #fd: number;
  readonly #stats: Stats;

  constructor(path: string, fd: number, stats: Stats, view: SnapshotView) {
    this.#path = path;
    this.#fd = fd;
    this.#stats = stats;
    this.view = view;
  }

  /** The mark comes into the file, not into the copy. */
  usable(): boolean {
    return !this.view.superseded;
  }

  stands(): boolean {
    const found = statPath(this.#path);
    const own = this.#stats;
    return found !== undefined && found.ino === own.ino && found.dev === own.dev &&
      found.size === own.size && found.mtimeMs === own.mtimeMs;
  }

  /** Until now the file was open: without that the inode's number could have been given to the next file. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
