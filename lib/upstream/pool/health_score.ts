/**
 * How well a member does, as one number.
 *
 * @module
 */

/** A moving latency from which on the latency counts for nothing, us. */
const LATENCY_MAX_US = 50_000;
/** A member that has stood for so long has proven itself, ms. */
const PROVEN_MS = 60_000;

/**
 * 0.5 of latency, 0.3 of freedom from errors, 0.2 of age: 1 is best, 0 worst. A young member is unproven,
 * and gets less at first.
 *
 * @param latencyUs moving average, us
 * @param errorRate 0 to 1
 * @param ageMs how long it has been usable
 */
export function healthScore(latencyUs: number, errorRate: number, ageMs: number): number {
  return 0.5 * within(1 - latencyUs / LATENCY_MAX_US) +
    0.3 * within(1 - errorRate) +
    0.2 * within(ageMs / PROVEN_MS);
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}
