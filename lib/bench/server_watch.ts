/**
 * Watches what the server under test uses while it is measured.
 *
 * @module
 */
import { rounded } from "./latencies.ts";
import { type ProcessUse, useOf, withDescendants } from "./server_process.ts";

/** What the server used, or why nobody knows. */
export type ServerFigures = MeasuredServer | { readonly absent: string };

/** What the server used. */
export interface MeasuredServer {
  readonly pids: readonly number[];
  /** Processor time in the measured time, as a share of one core. */
  readonly cpuShare: number;
  readonly cpuPerCallUs: number;
  /** Before the first connection; 0 where processes were started for the connections. */
  readonly rssBeforeKiB: number;
  readonly rssConnectedKiB: number;
  readonly rssMaxKiB: number;
  readonly rssEndKiB: number;
  readonly rssPerConnectionKiB: number;
  readonly fdsConnected: number;
  readonly fdsMax: number;
  readonly fdsEnd: number;
  /** How memory grew in the last four fifths of the measured time, straight line through all seconds. */
  readonly rssSlopeKiBPerMinute: number;
}

const NOTHING: ProcessUse = { cpuMs: 0, rssKiB: 0, fds: 0 };
/** Memory still settles in this first share of the measured time. */
const SETTLING_SHARE = 0.2;

/** Samples processes at the moments of a run. */
export class ServerWatch {
  #pids: readonly number[];
  readonly #before: ProcessUse;
  #connected = NOTHING;
  #begin = NOTHING;
  #end = NOTHING;
  #beginMs = 0;
  #endMs = 0;
  readonly #samples: { readonly ms: number; readonly use: ProcessUse }[] = [];

  /** @param pids of a server that runs already */
  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#before = this.#use();
  }

  /** All connections stand. @param started processes that were started for them */
  connected(started: readonly number[]): void {
    if (started.length > 0) this.#pids = started;
    this.#connected = this.#use();
  }

  /** The measured time begins. */
  begin(nowMs: number): void {
    this.#begin = this.#use();
    this.#beginMs = nowMs;
  }

  /** Once a second. */
  sample(nowMs: number): void {
    this.#samples.push({ ms: nowMs, use: this.#use() });
  }

  /** The measured time is over. */
  end(nowMs: number): void {
    this.#end = this.#use();
    this.#endMs = nowMs;
  }

  /** The figures. @param absent why there are none, where there are no processes */
  figures(connections: number, calls: number, absent: string): ServerFigures {
    if (this.#pids.length === 0 || this.#end === NOTHING) return { absent };
    const uses = [this.#begin, ...this.#samples.map(({ use }) => use), this.#end];
    const cpuMs = this.#end.cpuMs - this.#begin.cpuMs;
    const grown = this.#connected.rssKiB - this.#before.rssKiB;
    return {
      pids: this.#pids,
      cpuShare: rounded(cpuMs / Math.max(1, this.#endMs - this.#beginMs)),
      cpuPerCallUs: calls === 0 ? 0 : rounded(1000 * cpuMs / calls),
      rssBeforeKiB: this.#before.rssKiB,
      rssConnectedKiB: this.#connected.rssKiB,
      rssMaxKiB: Math.max(...uses.map(({ rssKiB }) => rssKiB)),
      rssEndKiB: this.#end.rssKiB,
      rssPerConnectionKiB: connections === 0 ? 0 : rounded(grown / connections),
      fdsConnected: this.#connected.fds,
      fdsMax: Math.max(...uses.map(({ fds }) => fds)),
      fdsEnd: this.#end.fds,
      rssSlopeKiBPerMinute: rounded(this.#slope()),
    };
  }

  #slope(): number {
    const settledMs = this.#beginMs + SETTLING_SHARE * (this.#endMs - this.#beginMs);
    const settled = this.#samples.filter(({ ms }) => ms >= settledMs && ms <= this.#endMs);
    return 60_000 * slopeOf(settled.map(({ ms, use }) => [ms, use.rssKiB]));
  }

  #use(): ProcessUse {
    return useOf(withDescendants(this.#pids)) ?? NOTHING;
  }
}

/** Slope of the straight line with the least squares; 0 for fewer than three points. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  if (points.length < 3) return 0;
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let above = 0, below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
