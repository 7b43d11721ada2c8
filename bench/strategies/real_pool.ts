/**
 * Plays the beginning of a trace, in real time, against real processes behind a real pool.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { request } from "../../lib/core/compose.ts";
import type { Call, Session } from "../../lib/core/handler.ts";
import { EraConversations } from "../../lib/era/conversations.ts";
import { Pool } from "../../lib/upstream/pool/pool.ts";
import type { PoolOptions } from "../../lib/upstream/pool/pool_options.ts";
import { SharedUpstream } from "../../lib/upstream/shared.ts";
import { child } from "../../transports/child.ts";
import type { Outcome } from "./simulation.ts";
import type { Trace } from "./trace.ts";

const LIMITS = { callDeadlineMs: 120_000, callDeadlineHardMs: 120_000, callsOpenMax: 100_000 };
const SILENT = { lateAnswer() {}, badMessage() {} };
const NOBODY = { moved() {}, failed() {} };

/** A pool of processes, its members started; dispose it to end them. */
export interface ProcessPool extends AsyncDisposable {
  readonly pool: Pool;
}

/**
 * Starts a pool of processes under Deno.
 *
 * @param script path of the server, relative to this module
 */
export async function startPool(
  script: string,
  options: Pick<PoolOptions, "min" | "strategy" | "callsPerMember">,
): Promise<ProcessPool> {
  const transport = child();
  const path = fileURLToPath(new URL(script, import.meta.url));
  const all = Promise.withResolvers<void>();
  let started = 0;
  const make = (index: number) => {
    const args = ["run", "-A", "--quiet", "--no-config", path, String(index)];
    const endpoint = { url: new URL("stdio:"), command: { program: Deno.execPath(), args } };
    const dial = (signal: AbortSignal) => transport.dial(endpoint, signal);
    return new SharedUpstream("bench", dial, SILENT, LIMITS, new EraConversations("legacy"));
  };
  const events = {
    ...NOBODY,
    moved(_from: unknown, to: unknown) {
      if (to === "idle" && ++started === options.min) all.resolve();
    },
  };
  const pool = new Pool(
    "bench",
    {
      ...options,
      max: options.min,
      affinity: "state",
      checkoutMs: 60_000,
      idleMs: 300_000,
      queue: 100_000,
    },
    make,
    events,
  );
  await pool.prepare();
  await all.promise;
  return {
    pool,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await transport[Symbol.asyncDispose]();
    },
  };
}

/** Plays the first part of a trace. @param speedup everything takes so many times less */
export async function playReal(
  trace: Trace,
  strategy: PoolOptions["strategy"],
  durationMs: number,
  speedup: number,
): Promise<Outcome> {
  const { servers } = trace.parameters;
  const options = { min: servers.length, strategy, callsPerMember: Infinity };
  await using started = await startPool("./drifting_server.js", options);
  const placed = servers.map(() => 0);
  const latenciesMs: number[] = [];
  const calls: Promise<void>[] = [];
  const startMs = performance.now();
  for (const { atMs, tool, workMs } of trace.arrivals) {
    if (atMs > durationMs * speedup) break;
    const waitMs = startMs + atMs / speedup - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const tookMs = servers.map((_, index) => workMs * trace.slowness(index, atMs) / speedup);
    const sentMs = startMs + atMs / speedup; // a late bench must not shorten what it measures
    const answer = started.pool.handle(toolCall(tool, { tookMs }));
    calls.push(answer.then((message) => {
      latenciesMs.push(performance.now() - sentMs);
      placed[Number(message!.json().result.content[0].text)]++;
    }));
  }
  await Promise.all(calls);
  return { latenciesMs: Float64Array.from(latenciesMs).sort(), placed };
}

/** A call of the bench's only client. */
export function toolCall(name: string, args: unknown): Call {
  return {
    message: request(1, "tools/call", { name, arguments: args }),
    request: { transport: "bench", address: "bench", header: () => undefined },
    session: CLIENT,
    signal: CLIENT.signal,
    notify: CLIENT.notify,
    ask: CLIENT.ask,
  };
}

const CLIENT: Session = {
  id: "bench",
  isSessionless: false,
  protocolVersion: undefined,
  callsInFlight: 1,
  signal: new AbortController().signal,
  notify: () => Promise.resolve(),
  ask: () => Promise.reject(new Error("Cannot ask: a bench answers nothing")),
  cancelAsk() {},
};
