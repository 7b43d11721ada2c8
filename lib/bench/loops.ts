/**
 * The two ways to make load: a closed loop asks again when it is answered, an open loop when it is time.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Caller } from "./caller.ts";
import { pause } from "./pause.ts";
import { Schedule } from "./schedule.ts";
import type { Phase } from "./schedule.ts";
import type { Pool } from "./pool.ts";
import type { Tally } from "./tally.ts";

/** Load until it is stopped. */
export interface Loop {
  /**
   * Ends it: a closed loop asks no more; an open loop first sends what is due, for leaving that out would
   * leave out just the calls that a stall delayed.
   */
  finish(signal: AbortSignal): Promise<void>;
}

/** So many calls under way on each connection, always. */
export function closedLoop(pool: Pool, inflight: number): Loop {
  let runs = true;
  const start = (caller: Caller) => {
    caller.onFree = (nowMs) => {
      if (runs && caller.isAlive) caller.ask(nowMs);
    };
    const nowMs = performance.now();
    for (let i = caller.openCount; runs && i < inflight; i++) caller.ask(nowMs);
  };
  pool.onOpen = start;
  pool.callers.forEach(start);
  return {
    finish() {
      runs = false;
      return Promise.resolve();
    },
  };
}

/** Closer than this the loop spins: timers of 1 ms would show in every latency. */
const SPIN_BELOW_MS = 2;
/** After so many calls in one go answers are read, however late the generator is. */
const CALLS_PER_TURN_MAX = 500;
/** A generator that is later than this gives up the calls that are still due, ms. */
const FINISH_MS = 10_000;
/** Open calls of one generator: more are not sent, and counted as errors. */
const OPEN_MAX = 500_000;

/** Calls at the times of a schedule, on the connections in turn, however many are open. */
export function openLoop(pool: Pool, phases: readonly Phase[], tally: Tally): Loop {
  const schedule = new Schedule(performance.now(), phases);
  const sent = Promise.withResolvers<void>();
  let runs = true;
  let callers = pool.callers;
  let turn = 0;
  let openCount = pool.openCount;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const count = (caller: Caller) => void (caller.onFree = () => void openCount--);
  const sendDue = (nowMs: number) => {
    for (let i = 0; schedule.nextMs <= nowMs && i < CALLS_PER_TURN_MAX; i++) {
      tally.lags.record(nowMs - schedule.nextMs);
      const caller = callers[turn++ % callers.length];
      if (caller === undefined || !caller.isAlive) {
        tally.error("no connection");
        callers = pool.callers;
      } else if (openCount >= OPEN_MAX) tally.error("not sent");
      else {
        openCount++;
        caller.ask(schedule.nextMs);
      }
      schedule.advance();
    }
  };
  const go = () => {
    if (!runs) return;
    if (schedule.nextMs === Infinity) return sent.resolve();
    const nowMs = performance.now();
    sendDue(nowMs);
    const leftMs = schedule.nextMs - nowMs;
    if (leftMs > SPIN_BELOW_MS) timer = setTimeout(go, Math.min(leftMs - SPIN_BELOW_MS / 2, 1000));
    else setImmediate(go);
  };
  pool.onOpen = (caller) => {
    count(caller);
    callers = pool.callers;
  };
  callers.forEach(count);
  go();
  return {
    async finish(signal) {
      const stop = new AbortController();
      const late = pause(FINISH_MS, AbortSignal.any([stop.signal, signal]));
      await Promise.race([sent.promise, late]);
      stop.abort();
      runs = false;
      clearTimeout(timer);
      for (; !signal.aborted && schedule.nextMs < Infinity; schedule.advance()) {
        tally.error("not sent");
      }
    },
  };
}
