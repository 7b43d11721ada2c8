/**
 * Tells when a configuration file has other content. Its folder is watched, because editors put a new file
 * in the place of the old one; looking at the file now and then finds what no event tells of (a link's
 * target, a network's folder).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";

/** How a file is watched; everything has a default. */
export interface ConfigWatchOptions {
  /** Events so shortly after each other are one change, ms. */
  readonly gatherMs?: number;
  /** Whoever keeps the file open for writing is waited for so long, ms. */
  readonly writerMs?: number;
  /** How often the file is looked at besides, ms. */
  readonly lookMs?: number;
}

const GATHER_MS = 100;
const WRITER_MS = 10_000;
const LOOK_MS = 5_000;
/** Where the system tells nothing of files. */
const LOOK_BLIND_MS = 1_000;

/** See the module. Dispose it to stop watching. */
export class ConfigWatch implements Disposable {
  readonly #file: string;
  readonly #onChange: () => void;
  readonly #gatherMs: number;
  readonly #writerMs: number;
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #lookTimer: ReturnType<typeof setInterval>;
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;
  /** When somebody began to write who has not closed the file yet, ms. */
  #writingSinceMs: number | undefined;
  #stamp: string;
  #digest: string | undefined;
  #isClosed = false;

  /** @param onChange called after the content has changed, or the file has gone */
  constructor(file: string, onChange: () => void, options: ConfigWatchOptions = {}) {
    this.#file = file;
    this.#onChange = onChange;
    this.#gatherMs = options.gatherMs ?? GATHER_MS;
    this.#writerMs = options.writerMs ?? WRITER_MS;
    this.#stamp = stampOf(file);
    this.#digest = contentDigest(file);
    this.#watcher = watchFolder(file);
    const lookMs = options.lookMs ?? (this.#watcher === undefined ? LOOK_BLIND_MS : LOOK_MS);
    this.#lookTimer = setInterval(() => this.#look(), lookMs);
    Deno.unrefTimer(this.#lookTimer as unknown as number);
    if (this.#watcher !== undefined) void this.#follow(this.#watcher);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#lookTimer);
    clearTimeout(this.#gatherTimer);
    this.#watcher?.close();
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      const name = basename(this.#file);
      for await (const { kind, paths } of watcher) {
        if (paths.some((path) => basename(path) === name)) this.#noteWriter(kind);
        this.#look();
      }
    } catch {
      // the system tells no more; the file is still looked at
    }
  }

  /** Linux tells when a writer closes its file, by an event of this kind. */
  #noteWriter(kind: Deno.FsEvent["kind"]): void {
    if (kind === "modify") this.#writingSinceMs ??= performance.now();
    else if (kind === "access" || kind === "rename") this.#writingSinceMs = undefined;
  }

  /** Waits for more, when the file is another one than at the last look. */
  #look(): void {
    if (this.#isClosed) return;
    const stamp = stampOf(this.#file);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#gather();
  }

  #gather(): void {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = setTimeout(() => this.#settled(), this.#gatherMs);
  }

  #settled(): void {
    const stamp = stampOf(this.#file);
    const writingMs = performance.now() - (this.#writingSinceMs ?? -Infinity);
    if (stamp !== this.#stamp || writingMs < this.#writerMs) {
      this.#stamp = stamp;
      return this.#gather();
    }
    this.#writingSinceMs = undefined;
    const digest = contentDigest(this.#file);
    if (digest === this.#digest) return;
    this.#digest = digest;
    this.#onChange();
  }
}

/** The same for the same content; `undefined` when there is none that can be read. */
export function contentDigest(file: string): string | undefined {
  try {
    return createHash("sha256").update(Deno.readFileSync(file)).digest("base64");
  } catch {
    return undefined; // whoever loads it tells why
  }
}

/** Differs when the file may have been changed or replaced. */
function stampOf(file: string): string {
  try {
    const { mtime, ctime, size, ino } = Deno.statSync(file);
    return `${mtime?.getTime()} ${ctime?.getTime()} ${size} ${ino}`;
  } catch {
    return "none";
  }
}

/** `undefined` where that is not possible: another system, too many watches. */
function watchFolder(file: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(dirname(file), { recursive: false });
  } catch {
    return undefined;
  }
}
