/**
 * Which processes exist, read from `/proc` on Linux and from `ps` elsewhere.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";

/**
 * Environment variable that marks every descendant of a child. Children that detach themselves from
 * group and session still inherit it (the idea of Jenkins' ProcessTreeKiller).
 */
export const COOKIE_VARIABLE = "SLUICE_CHILD";

/** One live process; zombies are not listed. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** Value of {@link COOKIE_VARIABLE}; undefined when absent, or when the platform does not show it. */
  readonly cookie: string | undefined;
}

/** Lists processes. */
export interface ProcessTable {
  /** Whether entries carry cookies: without them, a process must be seen while its parent still lives. */
  readonly showsCookies: boolean;
  /** All processes at some moment after the call. Concurrent calls share one scan. */
  snapshot(): Promise<readonly ProcessEntry[]>;
}

/** The process table of this platform; on Windows it is empty. */
export function processTable(os: typeof Deno.build.os = Deno.build.os): ProcessTable {
  if (os === "windows") return { showsCookies: false, snapshot: () => Promise.resolve([]) };
  return os === "linux" ? new SharedTable(scanProcfs, true) : new SharedTable(scanPs, false);
}

/** At a drain every child ends at once, and each looks for what it left behind: one scan serves all. */
class SharedTable implements ProcessTable {
  readonly showsCookies: boolean;
  readonly #scan: () => Promise<readonly ProcessEntry[]>;
  #running: Promise<readonly ProcessEntry[]> | undefined;
  #next: Promise<readonly ProcessEntry[]> | undefined;

  constructor(scan: () => Promise<readonly ProcessEntry[]>, showsCookies: boolean) {
    this.#scan = scan;
    this.showsCookies = showsCookies;
  }

  snapshot(): Promise<readonly ProcessEntry[]> {
    if (this.#running === undefined) return this.#start();
    const start = () => {
      this.#next = undefined;
      return this.#start();
    };
    return this.#next ??= this.#running.then(start, start);
  }

  #start(): Promise<readonly ProcessEntry[]> {
    return this.#running = this.#scan().finally(() => this.#running = undefined);
  }
}

/** Processes read before the event loop gets a turn: about 20 us each. */
const SLICE_PROCESSES = 32;

async function scanProcfs(): Promise<readonly ProcessEntry[]> {
  const entries: ProcessEntry[] = [];
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (name < "0" || name > ":") continue;
    const entry = readProcfs(Number(name));
    if (entry !== undefined) entries.push(entry);
    if (++count % SLICE_PROCESSES === 0) await setImmediate();
  }
  return entries;
}

function readProcfs(pid: number): ProcessEntry | undefined {
  const stat = readIfAllowed(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // pid (name) state ppid pgrp ...: the name may contain anything, the last ")" ends it (proc(5)).
  const [state, parentPid, groupId] = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3);
  if (state === "Z" || state === "X") return undefined;
  const cookie = cookieOf(readIfAllowed(`/proc/${pid}/environ`) ?? "");
  return { pid, parentPid: Number(parentPid), groupId: Number(groupId), cookie };
}

function cookieOf(environment: string): string | undefined {
  const prefix = `\0${COOKIE_VARIABLE}=`;
  const text = `\0${environment}`;
  const start = text.indexOf(prefix);
  if (start < 0) return undefined;
  const end = text.indexOf("\0", start + 1);
  return text.slice(start + prefix.length, end < 0 ? undefined : end);
}

/** Undefined when the process has ended meanwhile, or is not ours to look into. */
function readIfAllowed(path: string): string | undefined {
  try {
    return Buffer.from(Deno.readFileSync(path).buffer).toString("latin1");
  } catch {
    return undefined;
  }
}

async function scanPs(): Promise<readonly ProcessEntry[]> {
  const command = new Deno.Command("ps", {
    args: ["-axo", "pid=,ppid=,pgid=,stat="],
    stdin: "null",
    stderr: "null",
  });
  const { stdout } = await command.output();
  const entries: ProcessEntry[] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const [pid, parentPid, groupId, state] = line.trim().split(/\s+/);
    if (state === undefined || state.startsWith("Z")) continue;
    entries.push({
      pid: Number(pid),
      parentPid: Number(parentPid),
      groupId: Number(groupId),
      cookie: undefined,
    });
  }
  return entries;
}
