/**
 * The two ways to make load: a closed loop asks again when it is answered, an open loop when it is time.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Caller } from "./caller.ts";
import { Schedule } from "./schedule.ts";
import type { Phase } from "./schedule.ts";
import type { Pool } from "./pool.ts";
import type { Tally } from "./tally.ts";

/** Load until it is stopped. */
export interface Loop {
  /** No call is sent any more. */
  stop(): void;
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
  return { stop: () => void (runs = false) };
}

/** Closer than this the loop spins: timers of 1 ms would show in every latency. */
const SPIN_BELOW_MS = 2;
/** After so many calls in one go answers are read, however late the generator is. */
const CALLS_PER_TURN_MAX = 500;
/** Open calls of one generator: more are not sent, and counted as errors. */
const OPEN_MAX = 500_000;

/** Calls at the times of a schedule, on the connections in turn, however many are open. */
export function openLoop(pool: Pool, phases: readonly Phase[], tally: Tally): Loop {
  const schedule = new Schedule(performance.now(), phases);
  let runs = true;
  let callers: Caller[] = [];
  let turn = 0;
  let openCount = pool.openCount;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (caller: Caller) => {
    caller.onFree = () => void openCount--;
    callers = pool.callers;
  };
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
    if (!runs || schedule.nextMs === Infinity) return;
    const nowMs = performance.now();
    sendDue(nowMs);
    const leftMs = schedule.nextMs - nowMs;
    if (leftMs > SPIN_BELOW_MS) timer = setTimeout(go, Math.min(leftMs - SPIN_BELOW_MS / 2, 1000));
    else setImmediate(go);
  };
  pool.onOpen = start;
  pool.callers.forEach(start);
  go();
  return {
    stop() {
      runs = false;
      clearTimeout(timer);
    },
  };
}
