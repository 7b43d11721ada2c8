/**
 * The server under test as its operating system sees it: where it runs, what it uses. Linux only.
 * Source: proc(5).
 *
 * @module
 */

/** What a group of processes uses. */
export interface ProcessUse {
  readonly cpuMs: number;
  readonly rssKiB: number;
  readonly fds: number;
}

const LISTEN = "0A";
/** Linux counts in hundredths of a second on every platform that Deno runs on. */
const MS_PER_TICK = 10;

/** Processes that listen on a TCP port of this machine, or on a unix socket. */
export function listenerPids(at: { readonly port: number } | { readonly path: string }): number[] {
  if (Deno.build.os !== "linux") return [];
  const inodes = "port" in at ? tcpInodes(at.port) : unixInodes(at.path);
  return inodes.size === 0 ? [] : processIds().filter((pid) => holdsSocket(pid, inodes));
}

/** The processes and all that they have started. */
export function withDescendants(pids: readonly number[]): number[] {
  const found = new Set<number>();
  const waiting = [...pids];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    waiting.push(...childrenOf(pid));
  }
  return [...found];
}

/** What processes use together; those that have ended use nothing. `undefined` when none can be read. */
export function useOf(pids: readonly number[]): ProcessUse | undefined {
  const uses = pids.flatMap((pid) => useOfOne(pid) ?? []);
  if (uses.length === 0) return undefined;
  const sum = (key: keyof ProcessUse) => uses.reduce((total, use) => total + use[key], 0);
  return { cpuMs: sum("cpuMs"), rssKiB: sum("rssKiB"), fds: sum("fds") };
}

function useOfOne(pid: number): ProcessUse | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name may hold anything
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = read(`/proc/${pid}/status`) ?? "";
  const rssKiB = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return { cpuMs: ticks * MS_PER_TICK, rssKiB, fds: entries(`/proc/${pid}/fd`).length };
}

function tcpInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (read(table) ?? "").split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && local.endsWith(`:${hex}`)) inodes.add(inode);
    }
  }
  return inodes;
}

function unixInodes(path: string): Set<string> {
  const LISTENING = "00010000";
  const inodes = new Set<string>();
  for (const line of (read("/proc/net/unix") ?? "").split("\n").slice(1)) {
    const [, , , flags, , , inode, name] = line.trim().split(/\s+/);
    if (flags === LISTENING && name === path) inodes.add(inode);
  }
  return inodes;
}

function processIds(): number[] {
  return entries("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
}

function holdsSocket(pid: number, inodes: ReadonlySet<string>): boolean {
  return entries(`/proc/${pid}/fd`).some((fd) => {
    const match = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`));
    return match !== null && inodes.has(match[1]);
  });
}

function childrenOf(pid: number): number[] {
  return entries(`/proc/${pid}/task`).flatMap((task) =>
    (read(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number)
  );
}

// Processes end while they are looked at, and those of others cannot be: both read as nothing.

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function entries(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}
