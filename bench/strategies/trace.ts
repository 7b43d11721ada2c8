/**
 * Traces to compare strategies on, recorded as the parameters of their generator: one seed gives one trace,
 * the same for every strategy.
 *
 * @module
 */
import { normal, seeded } from "./random.ts";

/** A kind of call. */
export interface Tool {
  readonly name: string;
  /** Part of all calls. */
  readonly share: number;
  /** Median of the work, ms on a server of slowness 1. */
  readonly medianMs: number;
  /** Standard deviation of the logarithm of the work: 1 is a heavy tail (p99 ten times the median). */
  readonly sigma: number;
}

/** A server that answers calls first come first served. */
export interface SimulatedServer {
  /** How much longer than the fastest it takes, on average. */
  readonly slowness: number;
  /** Calls it works on at once. */
  readonly workers: number;
}

/** What a trace is made from. */
export interface TraceParameters {
  readonly name: string;
  readonly servers: readonly SimulatedServer[];
  readonly tools: readonly Tool[];
  readonly durationMs: number;
  /** Mean calls per second. */
  readonly perSecond: number;
  /** The rate swings by this part, with this period: quiet and busy times. */
  readonly swing: { readonly part: number; readonly periodMs: number };
  /**
   * Slowness drifts as a mean-reverting walk of its logarithm: standard deviation it tends to, and the time in
   * which it forgets where it was.
   */
  readonly drift: { readonly sigma: number; readonly memoryMs: number };
}

/** A call of a trace. */
export interface Arrival {
  readonly atMs: number;
  readonly tool: string;
  /** Time a server of slowness 1 works on it, ms. */
  readonly workMs: number;
}

/** A generated trace. */
export interface Trace {
  readonly parameters: TraceParameters;
  readonly arrivals: readonly Arrival[];
  /** Slowness of a server at a time. */
  slowness(server: number, atMs: number): number;
}

const TOOLS: readonly Tool[] = [
  { name: "lookup", share: 0.4, medianMs: 5, sigma: 0.5 },
  { name: "read_file", share: 0.25, medianMs: 12, sigma: 0.8 },
  { name: "search", share: 0.2, medianMs: 40, sigma: 0.8 },
  { name: "render", share: 0.1, medianMs: 120, sigma: 0.7 },
  { name: "analyse", share: 0.05, medianMs: 250, sigma: 1 },
];

/** Three servers of different and drifting speed, on average at 45 % of what they can do together. */
export const HETEROGENEOUS: TraceParameters = {
  name: "heterogeneous",
  servers: [
    { slowness: 1, workers: 4 },
    { slowness: 2, workers: 4 },
    { slowness: 4, workers: 4 },
  ],
  tools: TOOLS,
  durationMs: 20 * 60_000,
  perSecond: 60,
  swing: { part: 0.4, periodMs: 5 * 60_000 },
  drift: { sigma: 0.3, memoryMs: 60_000 },
};

/** Three equal servers that do not drift, on average at 55 % of what they can do. */
export const HOMOGENEOUS: TraceParameters = {
  ...HETEROGENEOUS,
  name: "homogeneous",
  servers: [
    { slowness: 1, workers: 4 },
    { slowness: 1, workers: 4 },
    { slowness: 1, workers: 4 },
  ],
  perSecond: 126,
  drift: { sigma: 0, memoryMs: 60_000 },
};

const DRIFT_STEP_MS = 1_000;

/** Generates a trace. */
export function trace(parameters: TraceParameters, seed: number): Trace {
  const random = seeded(seed);
  const walks = parameters.servers.map(() => walk(parameters, random));
  return {
    parameters,
    arrivals: arrivals(parameters, random),
    slowness(server, atMs) {
      const steps = walks[server];
      const step = Math.min(steps.length - 1, Math.floor(atMs / DRIFT_STEP_MS));
      return parameters.servers[server].slowness * steps[step];
    },
  };
}

function arrivals(parameters: TraceParameters, random: () => number): Arrival[] {
  const { durationMs, perSecond, swing, tools } = parameters;
  const found: Arrival[] = [];
  for (let atMs = 0;;) {
    const busy = 1 + swing.part * Math.sin(2 * Math.PI * atMs / swing.periodMs);
    atMs += -Math.log(1 - random()) * 1000 / (perSecond * busy);
    if (atMs >= durationMs) return found;
    const tool = drawn(tools, random());
    found.push({
      atMs,
      tool: tool.name,
      workMs: tool.medianMs * Math.exp(tool.sigma * normal(random)),
    });
  }
}

function drawn(tools: readonly Tool[], at: number): Tool {
  let upTo = 0;
  return tools.find(({ share }) => at < (upTo += share)) ?? tools[0];
}

/** An Ornstein-Uhlenbeck walk, as factors around 1. */
function walk({ durationMs, drift }: TraceParameters, random: () => number): Float64Array {
  const kept = Math.exp(-DRIFT_STEP_MS / drift.memoryMs);
  const noise = drift.sigma * Math.sqrt(1 - kept * kept);
  const steps = new Float64Array(Math.ceil(durationMs / DRIFT_STEP_MS));
  let at = drift.sigma * normal(random);
  for (let i = 0; i < steps.length; i++) {
    steps[i] = Math.exp(at);
    at = at * kept + noise * normal(random);
  }
  return steps;
}
