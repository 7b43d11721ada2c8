/**
 * One measurement: any number of generators at once, and the server watched meanwhile.
 *
 * @module
 */
import { type Figures, figuresOf, pointOf, type TimePoint } from "./figures.ts";
import { type Plan, shares } from "./plan.ts";
import type { RunEvents } from "./run_plan.ts";
import { ServerWatch } from "./server_watch.ts";
import type { Second, TallyReport } from "./tally.ts";

/** Runs one share of a plan, here or in another process. */
export type Generator = (
  plan: Plan,
  events: RunEvents,
  signal: AbortSignal,
) => Promise<TallyReport>;

/** What is measured, and how. */
export interface Measurement {
  readonly plan: Plan;
  readonly workers: number;
  readonly generator: Generator;
  /** Processes of a server that runs already. */
  serverPids(): readonly number[];
  /** Why nothing is known of the server where no process is found. */
  readonly serverAbsent: string;
  /** Told once a second; `at` is negative while warming up. */
  onSecond(point: TimePoint): void;
  readonly signal: AbortSignal;
}

const SAMPLE_MS = 1000;

/**
 * Measures.
 *
 * @throws {TransportError} when a generator cannot do its work
 */
export async function measure(measurement: Measurement): Promise<Figures> {
  const { plan, workers, generator, serverAbsent } = measurement;
  const plans = shares(plan, workers);
  const watch = new ServerWatch(measurement.serverPids());
  const failing = new AbortController();
  const signal = AbortSignal.any([measurement.signal, failing.signal]);
  const events = together(plans.length, watch, measurement.onSecond, signal);
  const sampling = setInterval(() => watch.sample(performance.now()), SAMPLE_MS);
  try {
    const reports = await Promise.all(plans.map(async (share) => {
      try {
        return await generator(share, events, signal);
      } catch (error) {
        failing.abort(error); // the others must not wait for this one
        throw error;
      }
    }));
    return figuresOf(
      reports,
      (connections, answered) => watch.figures(connections, answered, serverAbsent),
      plan,
    );
  } finally {
    clearInterval(sampling);
  }
}

/** Makes several generators begin at once, and tells their seconds as one. */
function together(
  count: number,
  watch: ServerWatch,
  onSecond: (point: TimePoint) => void,
  signal: AbortSignal,
): RunEvents {
  const allReady = Promise.withResolvers<void>();
  const stopped = () => allReady.resolve();
  signal.addEventListener("abort", stopped, { once: true });
  const seconds = new Map<number, Second[]>();
  const started: number[] = [];
  let readyCount = 0, beganCount = 0, endedCount = 0;
  return {
    ready(pids) {
      started.push(...pids);
      if (++readyCount === count) {
        signal.removeEventListener("abort", stopped);
        watch.connected(started);
        allReady.resolve();
      }
      return allReady.promise;
    },
    measuring() {
      if (beganCount++ === 0) watch.begin(performance.now());
    },
    measured() {
      if (endedCount++ === 0) watch.end(performance.now());
    },
    second(second) {
      const same = seconds.get(second.at) ?? [];
      same.push(second);
      seconds.set(second.at, same);
      if (same.length < count) return;
      seconds.delete(second.at);
      onSecond(pointOf(second.at, same));
    },
  };
}
