/**
 * The overviews of several workers as that of one gateway.
 *
 * @module
 */
import type {
  AnomalyFigures,
  BreakerFigures,
  CacheTierFigures,
  CapacityFigures,
  ObjectiveFigures,
  Overview,
  PoolFigures,
  ProcessFigures,
  Rates,
} from "../overview.ts";
import { hitShare, latencyOf } from "./overview_of.ts";

/** Recent events and alerts that are kept of all workers together. */
const RECENT_MAX = 100;

type Counts = Readonly<Record<string, number>>;

/**
 * Adds up what can be added; of ratios and states the worst is taken, for one worker that is full refuses its
 * clients, however idle the others are.
 *
 * @param overviews at least one
 */
export function mergedOverview(overviews: readonly Overview[]): Overview {
  const all = <K extends keyof Overview>(key: K) => overviews.map((overview) => overview[key]);
  const latency = all("latency");
  return {
    atMs: Math.max(...all("atMs")),
    windowS: Math.max(...all("windowS")),
    rates: mergedRates(all("rates")),
    latency: latencyOf(
      latency[0].boundsS,
      latency[0].counts.map((_, i) => sum(latency.map(({ counts }) => counts[i]))),
      sum(latency.map(({ sumS }) => sumS)),
    ),
    connections: {
      total: sum(all("connections").map(({ total }) => total)),
      byTransport: sums(all("connections").map(({ byTransport }) => byTransport)),
      sessions: sum(all("connections").map(({ sessions }) => sessions)),
      children: sum(all("connections").map(({ children }) => children)),
    },
    breakers: mergedBreakers(all("breakers").flat()),
    pools: mergedPools(all("pools").flat()),
    cache: {
      tiers: mergedTiers(all("cache").flatMap(({ tiers }) => tiers)),
      bytes: sum(all("cache").map(({ bytes }) => bytes)),
    },
    // One worker exports, the others say 0.
    shm: all("shm").reduce((a, b) => b.entries > a.entries ? b : a),
    rateLimited: sums(all("rateLimited")),
    errorsByCode: sums(all("errorsByCode")),
    capacity: worst(all("capacity").flat(), ({ resource }) => resource, moreUsed),
    anomalies: worst(all("anomalies").flat(), ({ signal }) => signal, stranger),
    objectives: mergedObjectives(all("objectives").flat()),
    security: {
      byType: sums(all("security").map(({ byType }) => byType)),
      recent: newest(all("security").flatMap(({ recent }) => recent)),
    },
    alerts: newest(all("alerts").flat()),
    process: mergedProcess(all("process")),
  };
}

function mergedRates(rates: readonly Rates[]): Rates {
  const added = Object.fromEntries(
    Object.keys(rates[0]).map((key) => [key, sum(rates.map((one) => one[key as keyof Rates]))]),
  ) as unknown as Rates;
  const { requestsPerS, errorsPerS } = added;
  return { ...added, errorShare: requestsPerS === 0 ? 0 : errorsPerS / requestsPerS };
}

const BAD_FIRST: readonly BreakerFigures["state"][] = ["open", "halfOpen", "closed"];

function mergedBreakers(breakers: readonly BreakerFigures[]): BreakerFigures[] {
  return worst(
    breakers,
    ({ upstream }) => upstream,
    (a, b) => BAD_FIRST.indexOf(a.state) < BAD_FIRST.indexOf(b.state),
  );
}

function mergedPools(pools: readonly PoolFigures[]): PoolFigures[] {
  return [...Map.groupBy(pools, ({ upstream }) => upstream)].map(([upstream, same]) => ({
    upstream,
    byState: sums(same.map(({ byState }) => byState)),
  }));
}

function mergedTiers(tiers: readonly CacheTierFigures[]): CacheTierFigures[] {
  return [...Map.groupBy(tiers, ({ tier }) => tier)].map(([tier, same]) => {
    const byOutcome = sums(same.map(({ byOutcome }) => byOutcome));
    return { tier, byOutcome, hitShare: hitShare(byOutcome) };
  });
}

function mergedObjectives(figures: readonly ObjectiveFigures[]): ObjectiveFigures[] {
  return [...Map.groupBy(figures, ({ objective }) => objective)].map(([objective, same]) => {
    const requests = sum(same.map((one) => one.requests)), bad = sum(same.map((one) => one.bad));
    const compliance = requests === 0 ? 1 : 1 - bad / requests;
    return { objective, compliance, target: same[0].target, requests, bad };
  });
}

function mergedProcess(processes: readonly ProcessFigures[]): ProcessFigures {
  const added = (key: keyof ProcessFigures) => sum(processes.map((one) => one[key]));
  const most = (key: keyof ProcessFigures) => Math.max(...processes.map((one) => one[key]));
  return {
    cpuCores: added("cpuCores"),
    residentBytes: added("residentBytes"),
    heapUsedBytes: added("heapUsedBytes"),
    openFiles: added("openFiles"),
    openFilesMax: added("openFilesMax"),
    eventLoopDelayP99Ms: most("eventLoopDelayP99Ms"),
    uptimeS: most("uptimeS"),
    workers: added("workers"),
  };
}

function moreUsed(a: CapacityFigures, b: CapacityFigures): boolean {
  return a.ratio > b.ratio;
}

function stranger(a: AnomalyFigures, b: AnomalyFigures): boolean {
  return Math.abs(a.score) > Math.abs(b.score);
}

/** Of those with the same key the worst. */
function worst<T>(
  things: readonly T[],
  keyOf: (thing: T) => string,
  isWorse: (a: T, b: T) => boolean,
): T[] {
  return [...Map.groupBy(things, keyOf).values()].map((same) =>
    same.reduce((found, one) => isWorse(one, found) ? one : found)
  );
}

function newest<T extends { readonly atMs: number }>(things: readonly T[]): T[] {
  return things.toSorted((a, b) => b.atMs - a.atMs).slice(0, RECENT_MAX);
}

function sums(counts: readonly Counts[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const one of counts) {
    for (const [key, value] of Object.entries(one)) all[key] = (all[key] ?? 0) + value;
  }
  return all;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
