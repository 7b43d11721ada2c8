/**
 * Simple anomaly detection: a signal is compared with what it has been lately.
 *
 * Mean and variance are exponentially weighted (West 1979; Finch 2009, "Incremental calculation of weighted
 * mean and variance", section 9). The score is the distance from the mean in standard deviations, but never in
 * less than a least deviation, so that a quiet signal may stir. What is learned is cut to three deviations from
 * the mean: a burst moves the mean slowly, a new normal is learned in the end. Nothing is judged before the
 * warm-up is over.
 *
 * @module
 */

/** How one signal is judged. */
export interface BaselineOptions {
  /** After so many samples an old one has half of its weight. */
  readonly halfLifeSamples: number;
  /** Samples before anything is judged. */
  readonly warmUpSamples: number;
  /** From this score on a sample is strange. */
  readonly score: number;
  /** Least deviation as a share of the mean. */
  readonly deviationShareMin: number;
  /** Least deviation in the unit of the signal. */
  readonly deviationMin: number;
  /** Whether less than usual is strange, too. */
  readonly isTwoSided: boolean;
}

/** Strange samples in a row that begin an anomaly; ordinary ones that end it. */
const SAMPLES_IN_A_ROW = 2;
/** An anomaly ends below this share of the score that begins one. */
const END_SHARE = 0.5;
/** What is learned lies within so many deviations. */
const LEARNED_DEVIATIONS = 3;

/** One signal and its past. */
export class Baseline {
  /** Latest sample. */
  value = 0;
  /** Latest score; negative below the mean. */
  score = 0;
  /** Whether an anomaly is under way. */
  isAnomalous = false;
  readonly #options: BaselineOptions;
  readonly #weight: number;
  #mean = 0;
  #variance = 0;
  #samples = 0;
  #inARow = 0;

  constructor(options: BaselineOptions) {
    this.#options = options;
    this.#weight = 1 - 0.5 ** (1 / options.halfLifeSamples);
  }

  /** What the signal has been lately. */
  get mean(): number {
    return this.#mean;
  }

  /** Takes a sample. @returns whether an anomaly has begun or ended with it */
  take(value: number): boolean {
    const { warmUpSamples, score } = this.#options;
    this.value = value;
    const deviation = this.#deviation();
    const isJudged = this.#samples >= warmUpSamples;
    this.score = isJudged ? (value - this.#mean) / deviation : 0;
    this.#learn(isJudged ? this.#cut(value, deviation) : value);
    const height = this.#options.isTwoSided ? Math.abs(this.score) : this.score;
    const wantsChange = this.isAnomalous ? height < END_SHARE * score : height >= score;
    this.#inARow = wantsChange ? this.#inARow + 1 : 0;
    if (this.#inARow < SAMPLES_IN_A_ROW) return false;
    this.#inARow = 0;
    this.isAnomalous = !this.isAnomalous;
    return true;
  }

  #deviation(): number {
    const { deviationMin, deviationShareMin } = this.#options;
    return Math.max(
      Math.sqrt(this.#variance),
      deviationMin,
      deviationShareMin * Math.abs(this.#mean),
    );
  }

  #cut(value: number, deviation: number): number {
    const most = LEARNED_DEVIATIONS * deviation;
    return Math.min(this.#mean + most, Math.max(this.#mean - most, value));
  }

  /** The first samples weigh alike: otherwise the very first would count for half of the past. */
  #learn(value: number): void {
    const weight = Math.max(this.#weight, 1 / ++this.#samples);
    const difference = value - this.#mean;
    this.#mean += weight * difference;
    this.#variance = (1 - weight) * (this.#variance + weight * difference ** 2);
  }
}
