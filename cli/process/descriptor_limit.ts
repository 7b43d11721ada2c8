/**
 * How many files and connections this process may have open.
 *
 * @module
 */

/** What is assumed when the system does not tell: the usual limit of a login. */
const FALLBACK = 1024;
/** Less than half for clients: each may need an upstream, and files, logs and pipes need some too. */
const SHARE = 0.45;

/** Connections that listeners may accept when nothing else is configured. */
export function connectionsMaxOf(descriptorsMax: number): number {
  return Math.max(1, Math.floor(descriptorsMax * SHARE));
}

/** The soft limit of open descriptors. */
export async function descriptorsMax(): Promise<number> {
  return limitOf(await procLimit() ?? await shellLimit()) ?? FALLBACK;
}

async function procLimit(): Promise<string | undefined> {
  try {
    const limits = await Deno.readTextFile("/proc/self/limits");
    return /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // not Linux
    throw error;
  }
}

async function shellLimit(): Promise<string | undefined> {
  if (Deno.build.os === "windows") return undefined;
  const shell = new Deno.Command("sh", { args: ["-c", "ulimit -n"], stdin: "null" });
  const { stdout } = await shell.output();
  return new TextDecoder().decode(stdout).trim();
}

function limitOf(text: string | undefined): number | undefined {
  if (text === "unlimited") return 1_048_576; // the most that Linux grants
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}
