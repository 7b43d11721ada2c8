/**
 * Opening files in a folder where anybody may plant something: no link is followed, nothing but a regular file is taken, and nothing
 * waits (a FIFO would).
 *
 * @module
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { reasonOf } from "../core/errors.ts";
import { ShmError, systemCode } from "./errors.ts";

// Windows knows neither flag; there is no shared memory there either.
const SAFE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Only the owner reads and writes. */
const MODE = 0o600;

/** An open file and what it was when it was opened. */
export interface OpenFile {
  readonly fd: number;
  readonly stats: Stats;
}

/**
 * What stands at a path, links not followed; `undefined` when nothing does.
 *
 * @throws ShmError `refused` when the system does not tell
 */
export function statPath(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    throw writeError("look at", path, thrown);
  }
}

/**
 * Opens a regular file for reading.
 *
 * @throws ShmError `missing`, or `refused` for anything that is no regular file
 */
export function openForReading(path: string): OpenFile {
  return openRegular("read", path, constants.O_RDONLY);
}

/**
 * Opens a file of our own for reading and writing.
 *
 * @throws ShmError `missing`, or `refused` for anything that is no regular file, has a second name or belongs to somebody else
 */
export function openOwn(path: string): OpenFile {
  const file = openRegular("take over", path, constants.O_RDWR);
  return ownOrClose("take over", path, file);
}

/**
 * Opens a file of our own, made if there is none. Its mode is 0600.
 *
 * @throws ShmError `refused` for anything that is no regular file, has a second name or belongs to somebody else
 */
export function openOrCreateOwn(path: string): OpenFile {
  const file = openRegular("open", path, constants.O_RDWR | constants.O_CREAT);
  ownOrClose("open", path, file);
  fchmodSync(file.fd, MODE); // whatever the umask took away
  return file;
}

/**
 * Makes a file that nobody else can have opened. Mode 0600 at most from the first instant.
 *
 * @throws ShmError `refused` when something stands there, `full` without room for it
 */
export function createNew(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFE, MODE);
  } catch (thrown) {
    throw writeError("create", path, thrown);
  }
}

/** Throws when what stands at a path is not ours to remove or to replace: no regular file, a second name, another owner. */
export function refuseForeign(action: string, path: string, stats: Stats): void {
  const why = foreignness(stats);
  if (why !== undefined) throw new ShmError("refused", `Cannot ${action} ${path}: ${why}`);
}

/** Removes a file of our own if it is there. */
export function removeOwn(path: string): void {
  const stats = statPath(path);
  if (stats === undefined) return;
  refuseForeign("remove", path, stats);
  try {
    unlinkSync(path);
  } catch (thrown) {
    throw writeError("remove", path, thrown);
  }
}

/**
 * Writes all bytes from the file's start on.
 *
 * @throws ShmError `full` when there is no room
 */
export function writeAll(fd: number, path: string, bytes: Uint8Array, position = 0): void {
  try {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    }
  } catch (thrown) {
    throw writeError("write", path, thrown);
  }
}

/** Reads up to `byteLength` bytes from `position` on; fewer when the file ends before. */
export function readAll(fd: number, byteLength: number, position = 0): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let done = 0;
  while (done < byteLength) {
    const count = readSync(fd, bytes, done, byteLength - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done === byteLength ? bytes : bytes.subarray(0, done);
}

/** What the system said about writing, as one of our own errors. */
export function writeError(action: string, path: string, thrown: unknown): ShmError {
  const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes(systemCode(thrown));
  const text = `Cannot ${action} ${path}: ${reasonOf(thrown)}`;
  return new ShmError(isFull ? "full" : "refused", text, { cause: thrown });
}

function openRegular(action: string, path: string, flags: number): OpenFile {
  let fd: number;
  try {
    fd = openSync(path, flags | SAFE, MODE);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") {
      throw new ShmError("missing", `Cannot ${action} ${path}: there is no such file`, {
        cause: thrown,
      });
    }
    throw writeError(action, path, thrown);
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, stats };
  closeSync(fd);
  throw new ShmError("refused", `Cannot ${action} ${path}: it is no regular file`);
}

function ownOrClose(action: string, path: string, file: OpenFile): OpenFile {
  const why = foreignness(file.stats);
  if (why === undefined) return file;
  closeSync(file.fd);
  throw new ShmError("refused", `Cannot ${action} ${path}: ${why}`);
}

function foreignness(stats: Stats): string | undefined {
  if (!stats.isFile()) return "it is no regular file";
  if (stats.nlink !== 1) return "it has a second name (hard link)";
  if (Deno.uid() !== null && stats.uid !== Deno.uid()) return "it belongs to another user";
}
