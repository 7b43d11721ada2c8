/**
 * How many members a pool should have.
 *
 * @module
 */

/** Above this part of its capacity in use a pool grows. */
const GROW_ABOVE = 0.8;
/** Below this it shrinks. */
const SHRINK_BELOW = 0.3;
const GROW_BY = 5;
const SHRINK_BY = 2;

/** Bounds of a pool, in members. */
export interface PoolBounds {
  readonly min: number;
  readonly max: number;
}

/**
 * The number of members that a use calls for: 5 more above 0.8, 2 fewer below 0.3, never outside the bounds.
 *
 * @param size members now
 * @param utilisation part of the capacity in use, 0 to 1; above 1 where calls wait in line
 */
export function poolSize(size: number, utilisation: number, { min, max }: PoolBounds): number {
  let wanted = size;
  if (utilisation > GROW_ABOVE) wanted = size + GROW_BY;
  else if (utilisation < SHRINK_BELOW) wanted = size - SHRINK_BY;
  return Math.min(max, Math.max(min, wanted));
}
