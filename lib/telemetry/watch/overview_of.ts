/**
 * Reads an overview out of the metrics and what the watch has found.
 *
 * @module
 */
import type { Metric, Registry } from "../metrics.ts";
import type {
  BreakerFigures,
  CacheTierFigures,
  Latency,
  Overview,
  PoolFigures,
  ProcessFigures,
  Rates,
  RecentSecurityEvent,
} from "../overview.ts";
import { quantileOf } from "./quantile.ts";
import type { Totals } from "./totals.ts";

/** What the metrics do not tell. */
export interface Watched
  extends Pick<Overview, "capacity" | "anomalies" | "objectives" | "alerts"> {
  /** What passed in the window. */
  readonly passed: Totals;
  /** Bounds of the histogram of durations, s. */
  readonly boundsS: readonly number[];
  readonly cpuCores: number;
  readonly securityEvents: readonly RecentSecurityEvent[];
}

/** An overview of one process. */
export function overviewOf(registry: Registry, watched: Watched): Overview {
  const { passed, boundsS, capacity, anomalies, objectives, alerts } = watched;
  const series = new SeriesByName(registry.collect());
  const byTransport = series.byLabel("sluice_connections", "transport");
  return {
    atMs: Date.now(),
    windowS: passed.atMs / 1000,
    rates: ratesOf(passed),
    latency: latencyOf(boundsS, [...passed.durations], passed.durationSumS),
    connections: {
      total: Object.values(byTransport).reduce((sum, open) => sum + open, 0),
      byTransport,
      sessions: series.value("sluice_sessions"),
      children: series.value("sluice_children"),
    },
    breakers: breakersOf(series.byLabel("sluice_circuit_state", "upstream")),
    pools: poolsOf(series),
    cache: { tiers: tiersOf(series), bytes: series.value("sluice_cache_bytes") },
    shm: {
      entries: series.value("sluice_shm_entries"),
      bytes: series.value("sluice_shm_bytes"),
      fragmentation: series.value("sluice_shm_fragmentation_ratio"),
      ageS: series.value("sluice_shm_age_seconds"),
    },
    rateLimited: series.byLabel("sluice_rate_limited_total", "principal_tier"),
    errorsByCode: series.byLabel("sluice_errors_total", "code"),
    ...{ capacity, anomalies, objectives, alerts },
    security: {
      byType: series.byLabel("sluice_security_events_total", "type"),
      recent: watched.securityEvents,
    },
    process: processOf(series, watched),
  };
}

/** Rates of what passed in a time. */
function ratesOf(passed: Totals): Rates {
  const seconds = Math.max(passed.atMs, 1) / 1000;
  return {
    requestsPerS: passed.requests / seconds,
    errorsPerS: passed.errors / seconds,
    errorShare: passed.requests === 0 ? 0 : passed.errors / passed.requests,
    messagesInPerS: passed.messagesIn / seconds,
    messagesOutPerS: passed.messagesOut / seconds,
    bytesInPerS: passed.bytesIn / seconds,
    bytesOutPerS: passed.bytesOut / seconds,
  };
}

/** Percentiles of what a histogram has counted. */
export function latencyOf(
  boundsS: readonly number[],
  counts: readonly number[],
  sumS: number,
): Latency {
  const count = counts.reduce((sum, one) => sum + one, 0);
  const ms = (share: number) => quantileOf(boundsS, counts, share) * 1000;
  return {
    ...{ count, boundsS, counts, sumS },
    meanMs: count === 0 ? 0 : sumS / count * 1000,
    p50Ms: ms(0.5),
    p95Ms: ms(0.95),
    p99Ms: ms(0.99),
  };
}

function breakersOf(states: Readonly<Record<string, number>>): BreakerFigures[] {
  const names = ["closed", "halfOpen", "open"] as const;
  return Object.entries(states).map(([upstream, value]) => ({ upstream, state: names[value] }));
}

function poolsOf(series: SeriesByName): PoolFigures[] {
  const pools = series.byTwoLabels("sluice_pool_connections", "upstream", "state");
  return [...pools].map(([upstream, byState]) => ({ upstream, byState }));
}

function tiersOf(series: SeriesByName): CacheTierFigures[] {
  const tiers = series.byTwoLabels("sluice_cache_requests_total", "tier", "outcome");
  return [...tiers].map(([tier, byOutcome]) => ({ tier, byOutcome, hitShare: hitShare(byOutcome) }))
    .toSorted((a, b) => a.tier < b.tier ? -1 : 1);
}

/** Hits among hits and misses; `null` where there is neither. */
export function hitShare({ hit = 0, miss = 0 }: Readonly<Record<string, number>>): number | null {
  return hit + miss === 0 ? null : hit / (hit + miss);
}

function processOf(series: SeriesByName, { cpuCores, passed }: Watched): ProcessFigures {
  const loop = series.histogramBounds("sluice_event_loop_delay_seconds");
  return {
    cpuCores,
    residentBytes: series.value("process_resident_memory_bytes"),
    heapUsedBytes: series.byLabel("sluice_heap_bytes", "kind").used ?? 0,
    openFiles: series.value("process_open_fds"),
    openFilesMax: series.value("process_max_fds"),
    eventLoopDelayP99Ms: quantileOf(loop, passed.loopDelays, 0.99) * 1000,
    uptimeS: (Date.now() - performance.timeOrigin) / 1000,
    workers: 1,
  };
}

/** The metrics of a registry, found by name. */
class SeriesByName {
  readonly #metrics: ReadonlyMap<string, Metric>;

  constructor(metrics: readonly Metric[]) {
    this.#metrics = new Map(metrics.map((metric) => [metric.name, metric]));
  }

  /** Of a metric without labels; 0 where it has no value. */
  value(name: string): number {
    return this.#series(name)[0]?.value ?? 0;
  }

  /** Sums by the values of one label. */
  byLabel(name: string, label: string): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { labels, value } of this.#series(name)) {
      sums[labels[label]] = (sums[labels[label]] ?? 0) + value;
    }
    return sums;
  }

  /** Values by two labels. */
  byTwoLabels(name: string, outer: string, inner: string): Map<string, Record<string, number>> {
    const found = new Map<string, Record<string, number>>();
    for (const { labels, value } of this.#series(name)) {
      const one = found.get(labels[outer]) ?? {};
      one[labels[inner]] = value;
      found.set(labels[outer], one);
    }
    return found;
  }

  /** Upper bounds of a histogram. */
  histogramBounds(name: string): readonly number[] {
    const metric = this.#metrics.get(name);
    return metric?.kind === "histogram" ? metric.buckets : [];
  }

  #series(name: string) {
    const metric = this.#metrics.get(name);
    if (metric === undefined || metric.kind === "histogram") return [];
    return metric.children().map(({ labelValues, value }) => ({
      labels: Object.fromEntries(metric.labels.map((label, i) => [label, labelValues[i]])),
      value,
    }));
  }
}
