/**
 * A child process with everything it has started, ended as one.
 *
 * @module
 */
import { monotonicMs } from "../../lib/core/clock.ts";
import { TransportError } from "../../lib/core/errors.ts";
import type { ProcessEntry, ProcessTable } from "./table.ts";

/** SIGKILL takes effect at once, but for a process in an uninterruptible system call; ms. */
const KILL_WAIT_MS = 5_000;
/** There is no event for the end of a process that is not our child: look again, less and less often; ms. */
const FIRST_LOOK_MS = 10;
const LOOK_MS_MAX = 160;

/** The root of a tree. */
export interface TreeRoot {
  readonly pid: number;
  /** Resolves when the root itself has ended. */
  readonly exited: Promise<unknown>;
  /** Inherited by all descendants. */
  readonly cookie: string;
  /** Whether the root leads a process group of its own (everywhere but on Windows). */
  readonly hasGroup: boolean;
}

/** Ends a root, its process group, its descendants, and whoever carries its cookie. */
export class ProcessTree {
  readonly #root: TreeRoot;
  readonly #table: ProcessTable;
  /** Group by pid of every member seen: without cookies nothing else ties an orphan to its tree. */
  readonly #seen = new Map<number, number>();
  readonly #killed = Promise.withResolvers<void>();
  #isKilled = false;
  #hasExited = false;
  #ending: Promise<void> | undefined;

  constructor(root: TreeRoot, table: ProcessTable) {
    this.#root = root;
    this.#table = table;
    root.exited.then(() => this.#hasExited = true);
  }

  /** Remembers the members of now, where they could not be told later. To be called before the root ends. */
  async look(): Promise<void> {
    if (!this.#table.showsCookies) await this.#members();
  }

  /**
   * Waits for the root to end by itself, then asks with SIGTERM what is left, then kills; each step is
   * given `graceMs`, and none lasts longer than it needs. Later calls join the first.
   *
   * @throws {TransportError} when something survives SIGKILL for 5 s
   */
  end(graceMs: number, firstGraceMs = graceMs): Promise<void> {
    return this.#ending ??= this.#end(graceMs, firstGraceMs);
  }

  /** Kills the root and its group now; cuts short the waits of {@link ProcessTree.end}, which does the rest. */
  kill(): void {
    this.#isKilled = true;
    this.#killed.resolve();
    if (!this.#hasExited) this.#signalRoot("SIGKILL");
  }

  async #end(graceMs: number, firstGraceMs: number): Promise<void> {
    const { exited } = this.#root;
    if (!this.#hasExited) await within(firstGraceMs, exited, this.#killed.promise);
    if (!this.#isKilled && await this.#isGone("SIGTERM", graceMs)) return;
    if (await this.#isGone("SIGKILL", KILL_WAIT_MS)) return;
    throw new TransportError(`Cannot end process ${this.#root.pid}: it survives SIGKILL`);
  }

  /** Signals all members until they have gone (true) or the time is over (false). */
  async #isGone(signal: "SIGTERM" | "SIGKILL", waitMs: number): Promise<boolean> {
    const deadlineMs = monotonicMs() + waitMs;
    const signalled = new Set<number>();
    for (let pauseMs = FIRST_LOOK_MS;; pauseMs = Math.min(2 * pauseMs, LOOK_MS_MAX)) {
      const members = await this.#members();
      if (members.length === 0 && this.#hasExited) return true;
      if (!this.#hasExited && !signalled.has(this.#root.pid)) this.#signalRoot(signal);
      for (const { pid, groupId } of members) {
        const wasReached = !this.#hasExited && this.#root.hasGroup && groupId === this.#root.pid;
        if (!signalled.has(pid) && !wasReached) send(pid, signal);
        signalled.add(pid);
      }
      signalled.add(this.#root.pid);
      const leftMs = deadlineMs - monotonicMs();
      if (leftMs <= 0 || (this.#isKilled && signal !== "SIGKILL")) return false;
      const events = signal === "SIGKILL" ? [] : [this.#killed.promise];
      if (!this.#hasExited) await within(leftMs, this.#root.exited, ...events);
      else await within(Math.min(pauseMs, leftMs), ...events);
    }
  }

  #signalRoot(signal: "SIGTERM" | "SIGKILL"): void {
    const { pid, hasGroup } = this.#root;
    send(hasGroup ? -pid : pid, signal);
  }

  async #members(): Promise<readonly ProcessEntry[]> {
    const members = membersOf(await this.#table.snapshot(), this.#root, this.#seen);
    if (!this.#table.showsCookies) {
      for (const { pid, groupId } of members) this.#seen.set(pid, groupId);
    }
    return members;
  }
}

/** Members of a tree among all processes; the caller itself is never one. */
export function membersOf(
  entries: readonly ProcessEntry[],
  root: Pick<TreeRoot, "pid" | "cookie" | "hasGroup">,
  seen: ReadonlyMap<number, number> = new Map(),
): readonly ProcessEntry[] {
  const found = new Set([root.pid]);
  const members: ProcessEntry[] = [];
  let rest = entries.filter(({ pid }) => pid !== Deno.pid);
  for (let before = -1; before < members.length;) {
    before = members.length;
    rest = rest.filter((entry) => {
      const isMember = found.has(entry.pid) || found.has(entry.parentPid) ||
        (root.hasGroup && entry.groupId === root.pid) ||
        (entry.cookie?.includes(root.cookie) ?? false) ||
        seen.get(entry.pid) === entry.groupId;
      if (!isMember) return true;
      found.add(entry.pid);
      members.push(entry);
      return false;
    });
  }
  return members;
}

function send(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // Gone already, or of another user (a setuid program): the next look at the table tells which.
  }
}

/** Waits for the first of some promises, but no longer than given. */
async function within(waitMs: number, ...events: Promise<unknown>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, waitMs));
  await Promise.race([timeout, ...events]);
  clearTimeout(timer);
}
