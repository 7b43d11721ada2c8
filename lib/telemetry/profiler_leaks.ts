/**
 * Whether memory, connections or sessions grow without end: the slope of each over time, and how well a
 * straight line fits.
 *
 * @module
 */

/** What may leak, at one time. */
export interface LeakSample {
  /** Unix time, ms. */
  readonly atMs: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly connections: number;
  readonly sessions: number;
}

/** What may leak. */
export type LeakSignal = Exclude<keyof LeakSample, "atMs">;

/** How one of them develops. */
export interface LeakTrend {
  readonly signal: LeakSignal;
  readonly first: number;
  readonly last: number;
  readonly slopePerHour: number;
  /** How much of the ups and downs the line explains, 0 to 1. */
  readonly fit: number;
  /** It grows by more than a tenth in an hour, steadily, and sessions do not explain it. */
  readonly isSuspicious: boolean;
}

/** What was found. */
export interface LeakReport {
  /** Time that it is of, s. */
  readonly spanS: number;
  readonly samples: number;
  /** `undefined` while there is too little to say something. */
  readonly verdict: "steady" | "growing" | undefined;
  readonly trends: readonly LeakTrend[];
}

/** Samples that are kept; every second one goes when there are more, so that the whole time stays in view. */
const SAMPLES_MAX = 720;
/** Time that must have passed before anything is said, s. */
export const SPAN_S_MIN = 300;
const GROWTH_PER_HOUR = 0.1;
const FIT_MIN = 0.7;
const SIGNALS: readonly LeakSignal[] = ["residentBytes", "heapBytes", "connections", "sessions"];

/** Keeps samples and judges them. */
export class LeakWatch {
  #samples: LeakSample[] = [];
  #keepEvery = 1;
  #offered = 0;

  /** Takes a sample; to be called at regular times. */
  take(sample: LeakSample): void {
    if (this.#offered++ % this.#keepEvery > 0) return;
    this.#samples.push(sample);
    if (this.#samples.length <= SAMPLES_MAX) return;
    this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    this.#keepEvery *= 2;
  }

  /** What can be said. The first fifth is left out: caches and pools fill then. */
  report(): LeakReport {
    const samples = this.#samples.slice(Math.floor(this.#samples.length / 5));
    const [first] = samples, last = samples.at(-1);
    const spanS = first === undefined ? 0 : (last!.atMs - first.atMs) / 1000;
    const trends = samples.length < 3 ? [] : trendsOf(samples);
    const isGrowing = trends.some(({ isSuspicious }) => isSuspicious);
    return {
      spanS,
      samples: samples.length,
      verdict: spanS < SPAN_S_MIN ? undefined : isGrowing ? "growing" : "steady",
      trends,
    };
  }
}

function trendsOf(samples: readonly LeakSample[]): LeakTrend[] {
  const spanS = (samples.at(-1)!.atMs - samples[0].atMs) / 1000;
  const trends = SIGNALS.map((signal) => trendOf(samples, signal));
  const sessionsGrow = grows(trends.at(-1)!);
  return trends.map((trend) => ({
    ...trend,
    isSuspicious: spanS >= SPAN_S_MIN && grows(trend) &&
      (trend.signal === "sessions" || !sessionsGrow),
  }));
}

function grows({ first, slopePerHour, fit }: Omit<LeakTrend, "isSuspicious">): boolean {
  return slopePerHour > GROWTH_PER_HOUR * Math.max(1, first) && fit >= FIT_MIN;
}

/** Least squares. */
function trendOf(samples: readonly LeakSample[], signal: LeakSignal) {
  const hours = samples.map(({ atMs }) => (atMs - samples[0].atMs) / 3_600_000);
  const values = samples.map((sample) => sample[signal]);
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const meanX = mean(hours), meanY = mean(values);
  let sxx = 0, sxy = 0, syy = 0;
  hours.forEach((x, i) => {
    sxx += (x - meanX) ** 2;
    sxy += (x - meanX) * (values[i] - meanY);
    syy += (values[i] - meanY) ** 2;
  });
  return {
    signal,
    first: values[0],
    last: values.at(-1)!,
    slopePerHour: sxx === 0 ? 0 : sxy / sxx,
    fit: sxx === 0 || syy === 0 ? 0 : sxy * sxy / (sxx * syy),
  };
}
