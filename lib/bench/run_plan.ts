/**
 * Runs one plan: connects, warms up, measures, waits for the last answers, and tells what it counted.
 *
 * @module
 */
import type { Work } from "./caller.ts";
import { DRIVES } from "./drives.ts";
import { pause } from "./pause.ts";
import type { Dial, Plan } from "./plan.ts";
import { Pool } from "./pool.ts";
import { questionsOf } from "./question.ts";
import type { Run } from "./run.ts";
import { type Second, Tally, type TallyReport } from "./tally.ts";

/** What a run tells while it goes on. */
export interface RunEvents {
  /**
   * The connections stand; the load begins when this resolves.
   *
   * @param pids processes that were started for the connections
   */
  ready(pids: readonly number[]): Promise<void>;
  measuring(): void;
  measured(): void;
  second(second: Second): void;
}

const SECOND_MS = 1000;
/** After the measured time nobody waits longer for answers, ms. */
const DRAIN_MS = 10_000;
const DRAIN_STEP_MS = 20;

/**
 * Runs a plan to its end, or until the signal aborts; what was measured by then is reported.
 *
 * @throws {TransportError} when no connection can be made, or the server does not do what the scenario needs
 */
export async function runPlan(
  plan: Plan,
  dial: Dial,
  events: RunEvents,
  signal: AbortSignal,
): Promise<TallyReport> {
  const questions = questionsOf(plan);
  const tally = new Tally();
  const work: Work = { plan, dial, questions, tally };
  const pool = new Pool(work, signal);
  const seconds = new Seconds((nowMs) => {
    pool.expire(nowMs - plan.callTimeoutMs, nowMs);
    events.second(tally.tick(nowMs));
  });
  seconds.restart();
  try {
    await DRIVES[plan.scenario](newRun(plan, pool, tally, events, seconds, signal));
    const checked = questions.map(({ isChecked }) => isChecked).filter((one) => one !== undefined);
    return tally.report(
      performance.now(),
      checked.length === 0 ? undefined : checked.every((one) => one),
    );
  } finally {
    seconds.stop();
    await pool[Symbol.asyncDispose]();
  }
}

function newRun(
  plan: Plan,
  pool: Pool,
  tally: Tally,
  events: RunEvents,
  seconds: Seconds,
  signal: AbortSignal,
): Run {
  const run: Run = {
    plan,
    pool,
    tally,
    signal,
    ready: () => events.ready(pidsOf(pool)),
    begin(connectsToo) {
      tally.begin(performance.now(), connectsToo);
      seconds.restart();
      events.measuring();
    },
    end() {
      seconds.finish();
      tally.end(performance.now());
      events.measured();
    },
    async measure({ connectsToo } = {}) {
      await pause(plan.warmUpMs, signal);
      run.begin(connectsToo);
      await pause(plan.durationMs, signal);
      run.end();
    },
    async drain() {
      const endMs = performance.now() + Math.min(DRAIN_MS, plan.callTimeoutMs);
      while (pool.openCount > 0 && performance.now() < endMs && !signal.aborted) {
        await pause(DRAIN_STEP_MS, signal);
      }
      if (!signal.aborted) pool.expire(Infinity, performance.now());
    },
  };
  return run;
}

/** Processes that were started as servers: their connections are named after them. */
function pidsOf(pool: Pool): number[] {
  return pool.callers.flatMap(({ peer }) => {
    const match = peer.transport === "child" ? /^pid (\d+)$/.exec(peer.address) : null;
    return match === null ? [] : [Number(match[1])];
  });
}

/** Each second, counted from a moment; what is left at the end is a second when it is half of one. */
class Seconds {
  readonly #onSecond: (nowMs: number) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastMs = 0;

  constructor(onSecond: (nowMs: number) => void) {
    this.#onSecond = onSecond;
  }

  restart(): void {
    this.stop();
    this.#lastMs = performance.now();
    this.#timer = setInterval(() => this.#tick(performance.now()), SECOND_MS);
  }

  finish(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs > SECOND_MS / 2) this.#tick(nowMs);
    this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#onSecond(nowMs);
  }
}
