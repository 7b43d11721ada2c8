/**
 * The token bucket as one number: the time at which it is full again (the "theoretical arrival time" of the
 * generic cell rate algorithm, ITU-T I.371). Whatever has not been used for long is full, and needs no memory.
 *
 * @module
 */

/** How many calls, and how fast. */
export interface Rate {
  /** Calls at once after a rest. */
  readonly burst: number;
  /** A token comes back after so long, ms. */
  readonly intervalMs: number;
}

/** So many calls a second, and so many at once. */
export function perSecond(calls: number, burst: number): Rate {
  return { burst, intervalMs: 1_000 / calls };
}

/** So many calls a minute, all at once if need be. */
export function perMinute(calls: number): Rate {
  return { burst: calls, intervalMs: 60_000 / calls };
}

/** Sums of intervals are off by less than that, ms; a call that comes this much too early is in time. */
const ROUNDING_MS = 1e-6;

/** How long the next call has to wait, ms; 0 when there is a token for it. */
export function waitMs(rate: Rate, fullAtMs: number, nowMs: number): number {
  const backlogMs = Math.max(fullAtMs - nowMs, 0) + rate.intervalMs;
  const waitMs = backlogMs - rate.burst * rate.intervalMs;
  return waitMs <= ROUNDING_MS ? 0 : waitMs;
}

/** When a bucket is full again after one token was taken. */
export function taken(rate: Rate, fullAtMs: number, nowMs: number): number {
  return Math.max(fullAtMs, nowMs) + rate.intervalMs;
}

/** Whole tokens in a bucket. */
export function tokens(rate: Rate, fullAtMs: number, nowMs: number): number {
  const missing = (Math.max(fullAtMs - nowMs, 0) - ROUNDING_MS) / rate.intervalMs;
  return Math.max(0, rate.burst - Math.ceil(Math.max(0, missing)));
}
