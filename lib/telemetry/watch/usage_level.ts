/**
 * Whether too much of a resource is used: smoothed, and with hysteresis, so that nobody is called twice for one
 * busy minute.
 *
 * @module
 */

/** Weight of the newest reading: with one a second, half of a step is seen after 7 s. */
const NEWEST_WEIGHT = 0.1;
/** It is over when the ratio is below this share of the threshold again. */
const END_SHARE = 0.95;

/** The level of one resource. */
export class UsageLevel {
  /** Smoothed: 1 is all there is. */
  ratio = 0;
  /** Too much, and not yet clearly below the threshold again. */
  isOver = false;
  /** From here on it is too much; 0 to 1. */
  readonly threshold: number;
  #isFirst = true;

  /** @param threshold from here on it is too much; 0 to 1 */
  constructor(threshold: number) {
    this.threshold = threshold;
  }

  /** Takes a reading. @returns whether it has become too much, or has ceased to be */
  take(ratio: number): boolean {
    this.ratio = this.#isFirst ? ratio : this.ratio + NEWEST_WEIGHT * (ratio - this.ratio);
    this.#isFirst = false;
    const { threshold } = this;
    const isOver = this.ratio >= (this.isOver ? END_SHARE * threshold : threshold);
    const hasChanged = isOver !== this.isOver;
    this.isOver = isOver;
    return hasChanged;
  }
}
