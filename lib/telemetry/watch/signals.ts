/**
 * The signals that are compared with their own past.
 *
 * @module
 */
import type { AnomalySignal } from "../overview.ts";
import { Baseline, type BaselineOptions } from "./baseline.ts";
import { quantileOf } from "./quantile.ts";
import type { Totals } from "./totals.ts";

/** A sample is taken of so long, ms. */
export const SAMPLE_MS = 10_000;
/** Fewer requests in a sample say nothing about shares and percentiles. */
const REQUESTS_MIN = 20;

/** Requests a second, both ways; share of errors; seconds. */
const SIGNALS: Readonly<
  Record<AnomalySignal, Pick<BaselineOptions, "deviationShareMin" | "deviationMin" | "isTwoSided">>
> = {
  rate: { deviationShareMin: 0.1, deviationMin: 1, isTwoSided: true },
  error_share: { deviationShareMin: 0.1, deviationMin: 0.005, isTwoSided: false },
  p99: { deviationShareMin: 0.1, deviationMin: 0.005, isTwoSided: false },
};

/** What all signals have in common. */
export interface SignalOptions {
  readonly score: number;
  readonly warmUpMs: number;
  readonly halfLifeMs: number;
}

/** One baseline for each signal. */
export function baselines(options: SignalOptions): Map<AnomalySignal, Baseline> {
  const common = {
    score: options.score,
    warmUpSamples: Math.ceil(options.warmUpMs / SAMPLE_MS),
    halfLifeSamples: options.halfLifeMs / SAMPLE_MS,
  };
  return new Map((["rate", "error_share", "p99"] as const).map((signal) => [
    signal,
    new Baseline({ ...common, ...SIGNALS[signal] }),
  ]));
}

/**
 * The sample of a signal; `undefined` where too little has passed to say.
 *
 * @param passed what passed in the time of the sample
 * @param boundsS of the histogram of durations, s
 */
export function sampleOf(
  signal: AnomalySignal,
  passed: Totals,
  boundsS: readonly number[],
): number | undefined {
  if (signal === "rate") return passed.requests / (passed.atMs / 1000);
  if (passed.requests < REQUESTS_MIN) return undefined;
  if (signal === "error_share") return passed.errors / passed.requests;
  return quantileOf(boundsS, passed.durations, 0.99);
}
