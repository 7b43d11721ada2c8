/**
 * Whether a result is worse than an earlier one: by more than a threshold, and by more than the noise
 * that the repeats of both show.
 *
 * @module
 */
import { UsageError } from "../core/errors.ts";
import {
  type BenchResult,
  METRICS,
  RATIOS,
  SCHEMA_VERSION,
  type Setup,
  type Summary,
} from "./result.ts";

/** One metric, before and after. */
export interface Comparison {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly before: Summary;
  readonly after: Summary;
  /** How much worse the median is, as a share of the one before; negative when it is better. */
  readonly worseBy: number;
  /** How far medians may differ by chance, likewise. */
  readonly noise: number;
  readonly verdict: "regression" | "within noise" | "within threshold" | "better";
}

/** What is smaller than this is the same, whatever its ratio: the resolution of the figures. */
const SMALLEST: Readonly<Record<string, number>> = { ms: 0.005, us: 0.5, KiB: 1, "": 0.001 };

/**
 * Compares two results metric by metric. Where both were measured against a direct run, only the ratios
 * are compared: times of another machine, or another day, mean nothing.
 *
 * @param threshold share of the median before, 0.1 for 10 %
 * @throws {UsageError} when something else was measured before
 */
export function compare(before: BenchResult, after: BenchResult, threshold: number): Comparison[] {
  throwUnlessAlike(before.setup, after.setup);
  const hasRatios = before.directRuns !== undefined && after.directRuns !== undefined;
  return (hasRatios ? RATIOS : METRICS).flatMap(({ name, label, unit, higherIsBetter }) => {
    const [old, now] = [before.summary[name], after.summary[name]];
    if (old === undefined || now === undefined) return [];
    const { worseBy, noise } = difference(old, now, higherIsBetter, SMALLEST[unit] ?? 0);
    return [{
      ...{ name, label, unit, before: old, after: now, worseBy, noise },
      verdict: verdictOf(worseBy, noise, threshold),
    }];
  });
}

/**
 * How much worse a figure became, and how much of that may be chance: half of the ranges that the repeats
 * of both spread over. With one run each the noise is not known, and counts as none.
 *
 * @param smallest difference that counts
 */
export function difference(
  before: Summary,
  after: Summary,
  higherIsBetter: boolean,
  smallest = 0,
): { worseBy: number; noise: number } {
  const change = (after.median - before.median) * (higherIsBetter ? -1 : 1);
  const base = Math.max(Math.abs(before.median), smallest);
  const spread = (before.max - before.min + after.max - after.min) / 2;
  if (Math.abs(change) <= smallest || base === 0) return { worseBy: 0, noise: 0 };
  return { worseBy: change / base, noise: spread / base };
}

/**
 * A result of `--json`.
 *
 * @throws {UsageError} when it is none, or of another version
 */
export function parseResult(text: string, file: string): BenchResult {
  const advice = "give a file that sluice bench has written with --json";
  let value: BenchResult;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`Cannot compare with ${file}: it is not JSON`, advice);
  }
  if (value?.schemaVersion !== SCHEMA_VERSION || value.summary === undefined) {
    const version = value?.schemaVersion;
    const why = version === undefined
      ? "it is no result of a bench"
      : `its schema version is ${version}`;
    throw new UsageError(`Cannot compare with ${file}: ${why}`, advice);
  }
  return value;
}

function verdictOf(worseBy: number, noise: number, threshold: number): Comparison["verdict"] {
  if (worseBy < 0) return "better";
  if (worseBy <= threshold) return "within threshold";
  return worseBy <= noise ? "within noise" : "regression";
}

const ALIKE = ["scenario", "era", "connections", "inflight", "ratePerSecond", "workers"] as const;

function throwUnlessAlike(before: Setup, after: Setup): void {
  for (const key of ALIKE) {
    if (before[key] === after[key]) continue;
    throw new UsageError(
      `Cannot compare: ${key} was ${before[key] ?? "not set"} and is ${after[key] ?? "not set"}`,
      "measure both in the same way",
    );
  }
}
