/**
 * Plays a trace against simulated servers in virtual time: a discrete-event simulation. A strategy sees what it
 * would see in a pool: the figures of the members and the name of the tool, nothing of the future, nothing of the work.
 *
 * @module
 */
import type { Rated, Strategy, StrategyOptions } from "../../lib/upstream/balancers/strategy.ts";
import { MemberStats } from "../../lib/upstream/pool/member_stats.ts";
import { seeded } from "./random.ts";
import type { Arrival, Trace } from "./trace.ts";

interface Job {
  readonly arrival: Arrival;
  readonly asked: { readonly message: { readonly method: string; readonly name: string } };
  readonly ticket: number;
}

interface Server extends Rated {
  busy: number;
  readonly queue: Job[];
  calls: number;
}

interface End {
  readonly atMs: number;
  readonly server: Server;
  readonly job: Job;
}

/** What came of a trace. */
export interface Outcome {
  /** Time from arrival to answer of each call, ms, ascending. */
  readonly latenciesMs: Float64Array;
  /** Calls by server. */
  readonly placed: readonly number[];
}

/** A midnight: the time of day begins there. */
const START_WALL_MS = Date.UTC(2026, 0, 1);

/** Plays a trace to its end, the calls still open at its end included. */
export function simulate(
  trace: Trace,
  make: (options: StrategyOptions) => Strategy,
  seed: number,
): Outcome {
  let nowMs = 0;
  const strategy = make({
    now: () => nowMs,
    wallMs: () => START_WALL_MS + nowMs,
    random: seeded(seed),
  });
  const { servers: kinds } = trace.parameters;
  const servers: Server[] = kinds.map((_, index) => ({
    stats: new MemberStats(index, 0),
    busy: 0,
    queue: [],
    calls: 0,
  }));
  const latenciesMs = new Float64Array(trace.arrivals.length);
  const ends: End[] = [];
  let answered = 0;
  const work = (server: Server) => {
    while (server.busy < kinds[server.stats.index].workers && server.queue.length > 0) {
      const job = server.queue.shift()!;
      server.busy++;
      const tookMs = job.arrival.workMs * trace.slowness(server.stats.index, nowMs);
      insert(ends, { atMs: nowMs + tookMs, server, job });
    }
  };
  const end = ({ atMs, server, job }: End) => {
    nowMs = atMs;
    server.busy--;
    const latencyMs = atMs - job.arrival.atMs;
    latenciesMs[answered++] = latencyMs;
    server.stats.end(latencyMs, false, nowMs);
    strategy.ended?.(job.ticket, latencyMs, false);
    work(server);
  };
  for (const arrival of trace.arrivals) {
    while (ends.length > 0 && ends[0].atMs <= arrival.atMs) end(ends.shift()!);
    nowMs = arrival.atMs;
    const asked = { message: { method: "tools/call", name: arrival.tool } };
    const server = strategy.pick(servers, asked)!;
    const ticket = strategy.sent?.(server, asked) ?? 0;
    server.stats.begin();
    server.calls++;
    server.queue.push({ arrival, asked, ticket });
    work(server);
  }
  while (ends.length > 0) end(ends.shift()!);
  return { latenciesMs: latenciesMs.sort(), placed: servers.map(({ calls }) => calls) };
}

/** Few calls run at once, so a sorted list is quicker than a heap. */
function insert(ends: End[], end: End): void {
  let at = ends.length;
  while (at > 0 && ends[at - 1].atMs > end.atMs) at--;
  ends.splice(at, 0, end);
}

/** A quantile of ascending numbers. */
export function quantile(ascending: Float64Array, q: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(q * ascending.length))];
}
