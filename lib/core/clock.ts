/**
 * Time on the message path is monotonic: a changed wall clock must not expire anything.
 *
 * @module
 */

/** Monotonic milliseconds. */
export function monotonicMs(): number {
  return performance.now();
}
