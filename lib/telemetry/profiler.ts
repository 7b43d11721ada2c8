/**
 * Profiles of the running process: where its time goes, and what its memory holds. Through the inspector of
 * the runtime, in process; no port is opened.
 *
 * A CPU profile at one sample per ms costs at most 5 % while it runs, within the noise of paired runs (Deno 2.9.6);
 * a heap snapshot stops the process for about a second per 25 MB that it writes.
 *
 * @module
 */
import type { Session } from "node:inspector";
import { join } from "node:path";
import { SluiceError } from "../core/errors.ts";

/** One function at one place of the call tree, as V8 tells it. */
export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0 on; -1 where it is not known. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** A CPU profile, in the form that Chrome and VS Code open as `.cpuprofile`. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** us */
  readonly startTime: number;
  readonly endTime: number;
  /** Node on top of the stack at each sample. */
  readonly samples: readonly number[];
  /** us between samples. */
  readonly timeDeltas: readonly number[];
}

/** Sampling every so often, us. */
const INTERVAL_US = 1000;
/** Longest profile, s. */
export const PROFILE_S_MAX = 60;
/** A snapshot may take so long, ms. */
const SNAPSHOT_MS = 120_000;

let isBusy = false;

/**
 * Samples what the process does. One profile at a time.
 *
 * @param seconds 1 to {@link PROFILE_S_MAX}
 * @param signal ends it early, with what was seen until then
 * @throws {SluiceError} another profile is under way
 */
export async function cpuProfile(seconds: number, signal?: AbortSignal): Promise<CpuProfile> {
  return await withInspector(async (post) => {
    await post("Profiler.enable");
    await post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await post("Profiler.start");
    const timeMs = 1000 * Math.min(Math.max(1, seconds), PROFILE_S_MAX);
    await elapsed(timeMs, signal);
    const { profile } = await post("Profiler.stop") as { profile: CpuProfile };
    await post("Profiler.disable");
    return profile;
  });
}

/**
 * Writes everything that is in memory to a new file that only its owner may read: it holds all secrets of the
 * process. Chrome's developer tools open it.
 *
 * @returns path and size
 * @throws {SluiceError} a profile is under way
 */
export async function heapSnapshot(folder: string): Promise<{ file: string; bytes: number }> {
  const file = newFile(folder, "heapsnapshot");
  using out = await Deno.open(file, { createNew: true, write: true, mode: 0o600 });
  const encoder = new TextEncoder();
  let bytes = 0;
  await withInspector(async (post, session) => {
    session.on("HeapProfiler.addHeapSnapshotChunk", ({ params: { chunk } }) => {
      const piece = encoder.encode(chunk);
      for (let at = 0; at < piece.length;) at += out.writeSync(piece.subarray(at));
      bytes += piece.length;
    });
    await post("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  });
  return { file, bytes };
}

/** Writes text to a new file that only its owner may read. @returns its path */
export async function writePrivately(
  folder: string,
  extension: string,
  text: string,
): Promise<string> {
  const file = newFile(folder, extension);
  await Deno.writeTextFile(file, text, { createNew: true, mode: 0o600 });
  return file;
}

function newFile(folder: string, extension: string): string {
  const time = new Date().toISOString().replace(/[:.]/g, "-");
  const name = `sluice-${Deno.pid}-${time}-${crypto.randomUUID().slice(0, 8)}.${extension}`;
  return join(folder, name);
}

type Post = (method: string, parameters?: Record<string, unknown>) => Promise<unknown>;

async function withInspector<T>(work: (post: Post, session: Session) => Promise<T>): Promise<T> {
  if (isBusy) throw new SluiceError("Cannot take a profile: another one is under way");
  isBusy = true;
  try {
    const { Session } = await import("node:inspector");
    const session = new Session();
    session.connect();
    try {
      return await work((method, parameters) => posted(session, method, parameters), session);
    } finally {
      session.disconnect();
    }
  } finally {
    isBusy = false;
  }
}

/** The timer keeps the loop turning as well: an answer of the inspector alone does not (Deno 2.9.6). */
function posted(
  session: Session,
  method: string,
  parameters: Record<string, unknown> = {},
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const timer = setTimeout(
    () => reject(new SluiceError(`Cannot take a profile: ${method} does not end`)),
    SNAPSHOT_MS,
  );
  session.post(method, parameters, (error, result) => {
    if (error === null) resolve(result);
    else reject(new SluiceError(`Cannot take a profile: ${error.message}`));
  });
  return promise.finally(() => clearTimeout(timer));
}

function elapsed(timeMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeMs);
  if (signal?.aborted) resolve();
  signal?.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
