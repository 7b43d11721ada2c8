/**
 * One writer for a path: an exclusive `flock` on a file beside it. The system lets go when the process ends, however it ends. The
 * file stays: to remove it would let two writers hold locks on two files of the same name.
 *
 * @module
 */
import { closeSync } from "node:fs";
import { ShmError } from "./errors.ts";
import { openOrCreateOwn, statPath } from "./files.ts";
import { cString, libc, OPEN } from "./libc.ts";

const LOCK_EXCLUSIVE_NOW = 2 | 4;

/** A lock that is held until it is disposed. */
export interface WriterLock extends Disposable {
  /** Had somebody locked this path before us, ever? */
  readonly existed: boolean;
}

/**
 * Takes the lock of an export. Never waits.
 *
 * @param path of the export; the lock is `PATH.lock`
 * @throws ShmError `locked` when another writer has it; `refused` when something else stands in its place; `unsupported` when the
 *   runtime cannot lock
 */
export function lockWriter(path: string): WriterLock {
  const lockPath = `${path}.lock`;
  const existed = statPath(lockPath) !== undefined;
  const { fd, stats } = openOrCreateOwn(lockPath);
  closeSync(fd);
  const held = "tryLockSync" in Deno.FsFile.prototype ? lockFile(lockPath) : flock(lockPath);
  if (held === undefined) {
    throw new ShmError("locked", `Cannot export to ${path}: another process writes there`);
  }
  const now = statPath(lockPath);
  if (now?.ino !== stats.ino || now.dev !== stats.dev) {
    held[Symbol.dispose]();
    throw new ShmError("refused", `Cannot export to ${path}: its lock file was exchanged`);
  }
  return { existed, [Symbol.dispose]: () => held[Symbol.dispose]() };
}

function lockFile(lockPath: string): Disposable | undefined {
  const file = Deno.openSync(lockPath, { read: true, write: true });
  if (file.tryLockSync(true)) return file;
  file.close();
}

/** Deno before 2.9 only has a lock that waits, for ever and without a way to stop it. */
function flock(lockPath: string): Disposable | undefined {
  const { open, flock, close } = libc();
  const flags = OPEN.readWrite | OPEN.noFollow | OPEN.nonBlocking | OPEN.closeOnExec;
  const fd = open(cString(lockPath), flags, 0);
  if (fd < 0) throw new ShmError("refused", `Cannot open ${lockPath}: the system refuses`);
  if (flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return { [Symbol.dispose]: () => void close(fd) };
  close(fd);
}
