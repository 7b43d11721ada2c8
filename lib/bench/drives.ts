/**
 * How each scenario makes its load.
 *
 * @module
 */
import { TransportError } from "../core/errors.ts";
import type { Caller } from "./caller.ts";
import { fanOut } from "./fan_out.ts";
import { closedLoop, type Loop, openLoop } from "./loops.ts";
import { pause } from "./pause.ts";
import type { Scenario } from "./plan.ts";
import type { Run } from "./run.ts";
import { type Phase, steady, variable } from "./schedule.ts";

/** Makes load until its time is over. */
export type Drive = (run: Run) => Promise<void>;

/** One out of so many connections of `slow-client` is slow, the first not. */
const SLOW_EACH = 10;
const SLOW_READ_PAUSE_MS = 50;
/** At the end of `idle-hold` connections are asked at this rate, calls per second. */
const IDLE_ASK_RATE = 500;
const OVERLOAD_FACTOR = 2;
/** The capacity is sought for this share of the measured time. */
const CAPACITY_SHARE = 1 / 3;

/** By the name of the scenario. */
export const DRIVES: Readonly<Record<Scenario, Drive>> = {
  "echo": steadily,
  "tools-list": steadily,
  "mixed": steadily,
  "soak": steadily,
  "slow-client": slowClient,
  "variable": (run) => phased(run, variable),
  "overload": overload,
  "connect-storm": connectStorm,
  "idle-hold": idleHold,
  "fan-out": fanOut,
};

async function steadily(run: Run): Promise<void> {
  if (run.plan.ratePerSecond !== undefined) return await phased(run, steady);
  await run.pool.open();
  await run.ready();
  await loaded(run, closedLoop(run.pool, run.plan.inflight));
}

/** An open loop; the warm-up has the even rate of the first moment measured. */
async function phased(
  run: Run,
  phasesOf: (ratePerSecond: number, forMs: number) => Phase[],
): Promise<void> {
  const { pool, plan, tally } = run;
  const phases = phasesOf(plan.ratePerSecond!, plan.durationMs);
  await pool.open();
  await run.ready();
  await loaded(
    run,
    openLoop(pool, [...steady(phases[0].fromRate, plan.warmUpMs), ...phases], tally),
  );
}

async function loaded(run: Run, loop: Loop): Promise<void> {
  await run.measure();
  await loop.finish(run.signal);
  await run.drain();
}

async function slowClient(run: Run): Promise<void> {
  await run.pool.open();
  const slow = run.pool.callers.filter((_, index) => index % SLOW_EACH === 1);
  for (const caller of slow) caller.readPauseMs = SLOW_READ_PAUSE_MS;
  await run.ready();
  await loaded(run, closedLoop(run.pool, run.plan.inflight));
}

async function overload(run: Run): Promise<void> {
  const { pool, plan, tally, signal } = run;
  await pool.open();
  await run.ready();
  const seekMs = CAPACITY_SHARE * plan.durationMs;
  const closed = closedLoop(pool, plan.inflight);
  await pause(plan.warmUpMs, signal);
  const before = tally.answered;
  await pause(seekMs, signal);
  const capacityPerSecond = (tally.answered - before) / seekMs * 1000;
  await closed.finish(signal);
  await run.drain();
  tally.capacityPerSecond = capacityPerSecond;
  const rate = plan.ratePerSecond ?? OVERLOAD_FACTOR * capacityPerSecond;
  const forMs = plan.durationMs - seekMs;
  run.begin();
  const open = openLoop(pool, steady(rate, forMs), tally);
  await pause(forMs, signal);
  run.end();
  await open.finish(signal);
  await run.drain();
}

async function connectStorm(run: Run): Promise<void> {
  const { plan, pool, tally, signal } = run;
  await run.ready();
  let runs = true;
  let failure: unknown;
  const storming = async (slot: number) => {
    while (runs && !signal.aborted) {
      try {
        await using caller = await pool.connect(slot);
        await askedOnce(caller, run);
      } catch (error) {
        failure = error;
        await pause(1, signal); // a port that refuses at once must not block the event loop
      }
    }
  };
  const storm = Promise.all(Array.from({ length: plan.connections }, (_, slot) => storming(slot)));
  await run.measure({ connectsToo: true });
  runs = false;
  await storm;
  if (tally.connects.count === 0) throw failure ?? new TransportError("Cannot connect: no time");
}

/** One call on a fresh connection, over when it is answered, lost with the connection, or too late. */
async function askedOnce(caller: Caller, { plan, signal }: Run): Promise<void> {
  const free = Promise.withResolvers<void>();
  const stop = new AbortController();
  caller.onFree = () => free.resolve();
  caller.ask(performance.now());
  const late = pause(plan.callTimeoutMs, AbortSignal.any([stop.signal, signal]));
  await Promise.race([free.promise, caller.ended, late]);
  stop.abort();
  if (!signal.aborted) caller.expire(Infinity, performance.now());
}

async function idleHold(run: Run): Promise<void> {
  const { pool, plan, tally, signal } = run;
  await pool.open();
  await run.ready();
  run.begin();
  await pause(plan.durationMs, signal);
  const rate = plan.ratePerSecond ?? IDLE_ASK_RATE;
  const forMs = pool.callers.length / rate * 1000;
  const loop = openLoop(pool, steady(rate, forMs), tally);
  await pause(forMs, signal);
  await loop.finish(signal);
  await run.drain();
  run.end();
}
