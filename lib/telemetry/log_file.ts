/**
 * A file that lines are added to. Only its owner can read it, it is followed when log rotation renames it, and it is
 * never reached through a symbolic link: its folder may belong to somebody else.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { monotonicMs } from "../core/clock.ts";
import type { LogSink } from "./log_destination.ts";

const OWNER_ONLY = 0o600;
const ROTATION_CHECK_MS = 1_000;

/** See the module. One write at a time. */
export class LogFile implements LogSink, AsyncDisposable {
  readonly #path: string;
  readonly #rotationCheckMs: number;
  #file: FileHandle;
  #inode: number;
  #checkAtMs = 0;
  /** Writes and changes of the file, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, rotationCheckMs: number, file: FileHandle, inode: number) {
    this.#path = path;
    this.#rotationCheckMs = rotationCheckMs;
    this.#file = file;
    this.#inode = inode;
  }

  /**
   * Opens a file, or makes it.
   *
   * @param rotationCheckMs how often it is looked whether the file is still the one at the path, ms
   * @throws {Error} it cannot be opened, or is a symbolic link
   */
  static async open(path: string, rotationCheckMs = ROTATION_CHECK_MS): Promise<LogFile> {
    const file = await opened(path);
    return new LogFile(path, rotationCheckMs, file, (await file.stat()).ino);
  }

  /** @throws {Error} disk full, and whatever else the system says */
  write(bytes: Uint8Array): Promise<number> {
    return this.#next(async () => {
      if (monotonicMs() >= this.#checkAtMs) await this.#follow();
      return (await this.#file.write(bytes)).bytesWritten;
    });
  }

  /** Takes the file that is at the path now, where that is another one. What fails is tried again with the next line. */
  async reopen(): Promise<void> {
    await this.#next(() => this.#follow()).catch(() => this.#checkAtMs = 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next(() => this.#file.close());
  }

  #next<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {}); // told to who asked for it
    return done;
  }

  async #follow(): Promise<void> {
    this.#checkAtMs = monotonicMs() + this.#rotationCheckMs;
    const there = await stat(this.#path).catch(() => undefined);
    if (there?.ino === this.#inode) return;
    const file = await opened(this.#path);
    await this.#file.close();
    this.#file = file;
    this.#inode = (await file.stat()).ino;
  }
}

/** Without waiting for whoever should read a named pipe. */
function opened(path: string): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  return open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, OWNER_ONLY);
}
