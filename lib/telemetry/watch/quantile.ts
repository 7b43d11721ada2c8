/**
 * Quantiles of what a histogram has counted.
 *
 * @module
 */

/**
 * The value below which a share of the observations lies, interpolated within its bucket as Prometheus does
 * (`histogram_quantile`). 0 without observations; the last bound for what lies above it.
 *
 * @param bounds inclusive upper bounds, ascending
 * @param counts observations per bucket, one more than bounds
 * @param share 0 to 1
 */
export function quantileOf(
  bounds: readonly number[],
  counts: ArrayLike<number>,
  share: number,
): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return 0;
  let before = 0;
  for (let i = 0; i < bounds.length; i++) {
    const after = before + counts[i];
    if (after >= share * total && counts[i] > 0) {
      const low = i === 0 ? 0 : bounds[i - 1];
      return low + (bounds[i] - low) * Math.max(0, share * total - before) / counts[i];
    }
    before = after;
  }
  return bounds.at(-1) ?? 0;
}

/**
 * How many observations are at most `value`, interpolated within its bucket.
 *
 * @param bounds inclusive upper bounds, ascending
 * @param counts observations per bucket, one more than bounds
 */
export function countWithin(
  bounds: readonly number[],
  counts: ArrayLike<number>,
  value: number,
): number {
  let within = 0;
  for (let i = 0; i < bounds.length; i++) {
    if (bounds[i] <= value) within += counts[i];
    else {
      const low = i === 0 ? 0 : bounds[i - 1];
      return within + counts[i] * Math.max(0, value - low) / (bounds[i] - low);
    }
  }
  return within;
}
