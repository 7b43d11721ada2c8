/**
 * Whether clients with an optimisation fare worse than those without.
 *
 * The shares of errors of both groups are compared (two-proportion z-test, pooled). One look has a chance of 1
 * in 2000 to find a difference where there is none; a least difference keeps what is measurable but does not
 * matter from counting.
 *
 * @module
 */

/** Answers of one group. */
export interface GroupCounts {
  readonly calls: number;
  readonly errors: number;
}

/** Calls that each group needs before anything is said. */
export const CALLS_MIN = 100;
/** Least difference between the shares of errors. */
export const DIFFERENCE_MIN = 0.01;
/** One-sided, 0.0005. */
const Z_MIN = 3.29;

/** Whether the first group has clearly more errors than the second. */
export function isWorse(on: GroupCounts, off: GroupCounts): boolean {
  if (on.calls < CALLS_MIN || off.calls < CALLS_MIN) return false;
  const difference = on.errors / on.calls - off.errors / off.calls;
  if (difference < DIFFERENCE_MIN) return false;
  const pooled = (on.errors + off.errors) / (on.calls + off.calls);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / on.calls + 1 / off.calls));
  return deviation > 0 && difference / deviation >= Z_MIN;
}
