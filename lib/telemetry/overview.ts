/**
 * What a running gateway is about, in one object: for the live dashboard, `/mcp/stats` and whoever embeds it.
 *
 * Everything in it is plain JSON, and nothing in it is an id, a token or an argument. The overviews of several
 * workers are put together by `mergedOverview()`.
 *
 * @module
 */

/** How much passes, averaged over {@link Overview.windowS}. */
export interface Rates {
  /** Answered requests per second, whatever the outcome. */
  readonly requestsPerS: number;
  /** Of them answered with an error, per second; results with `isError` are none. */
  readonly errorsPerS: number;
  /** Errors among answers, 0 to 1; 0 where there was no answer. */
  readonly errorShare: number;
  readonly messagesInPerS: number;
  readonly messagesOutPerS: number;
  /** Bytes of messages, before framing and compression. */
  readonly bytesInPerS: number;
  readonly bytesOutPerS: number;
}

/** From dispatch to answer, over the window. Streams that stay open (`subscriptions/listen`) are left out. */
export interface Latency {
  /** Answers that it is of. */
  readonly count: number;
  /** Interpolated within the histogram's buckets; 0 without answers. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** Inclusive upper bounds of the buckets, s; what follows the last is above all of them. */
  readonly boundsS: readonly number[];
  /** Answers per bucket, one more than bounds. */
  readonly counts: readonly number[];
  /** Sum of all durations, s. */
  readonly sumS: number;
}

/** Open connections and what belongs to them. */
export interface ConnectionFigures {
  readonly total: number;
  /** By transport: `tcp`, `websocket`, ... */
  readonly byTransport: Readonly<Record<string, number>>;
  readonly sessions: number;
  /** Running child processes. */
  readonly children: number;
}

/** One circuit breaker. */
export interface BreakerFigures {
  /** Name of the upstream; of several endpoints with `#1`, `#2`, ... */
  readonly upstream: string;
  readonly state: "closed" | "halfOpen" | "open";
}

/** One pool. */
export interface PoolFigures {
  readonly upstream: string;
  /** Members by state: `idle`, `busy`, ... */
  readonly byState: Readonly<Record<string, number>>;
}

/** One tier of the cache, since the start. */
export interface CacheTierFigures {
  /** `l1` memory, `l2` shared memory, `l3` the server. */
  readonly tier: string;
  /** Requests by outcome. */
  readonly byOutcome: Readonly<Record<string, number>>;
  /** Hits among hits and misses, 0 to 1; `null` where the tier has neither. */
  readonly hitShare: number | null;
}

/** The shared-memory export. */
export interface ShmFigures {
  readonly entries: number;
  readonly bytes: number;
  /** Share of the file that no entry uses, 0 to 1. */
  readonly fragmentation: number;
  /** Since the last publication, s; 0 where nothing is exported. */
  readonly ageS: number;
}

/** One resource that can run out. */
export interface CapacityFigures {
  readonly resource: CapacityResource;
  /** Used of what there is: 1 is all. */
  readonly ratio: number;
  /** From here on it is too much. */
  readonly threshold: number;
  /** Too much, and not yet clearly below again. */
  readonly isOver: boolean;
}

/** What the gateway watches its use of. */
export type CapacityResource = "cpu" | "memory" | "connections" | "bandwidth";

/** One signal that is compared with its own past. */
export interface AnomalyFigures {
  readonly signal: AnomalySignal;
  /** Latest value: requests per second, share of errors, or seconds. */
  readonly value: number;
  /** What it has been lately. */
  readonly mean: number;
  /** Deviations between the two; 0 while there is too little to compare with. */
  readonly score: number;
  readonly isAnomalous: boolean;
}

/** Request rate, share of errors, 99th percentile of durations. */
export type AnomalySignal = "rate" | "error_share" | "p99";

/** One objective of the service, over the last hour at most. */
export interface ObjectiveFigures {
  readonly objective: "availability" | "errors" | "latency";
  /** Share of requests that were good, 0 to 1; 1 where there was none. */
  readonly compliance: number;
  /** What it should be. */
  readonly target: number;
  /** Requests that it is of. */
  readonly requests: number;
  /** Requests that were not good. */
  readonly bad: number;
}

/** One event that concerns security. */
export interface RecentSecurityEvent {
  /** Unix time, ms. */
  readonly atMs: number;
  readonly type: string;
  readonly address?: string;
  readonly principal?: string;
  readonly upstream?: string;
  readonly detail?: string;
}

/** One capacity alert or anomaly that began or ended. */
export interface RecentAlert {
  /** Unix time, ms. */
  readonly atMs: number;
  readonly kind: "capacity" | "anomaly";
  /** The resource or signal. */
  readonly name: string;
  readonly isOver: boolean;
  /** The ratio or score at that time. */
  readonly value: number;
}

/** The process, or all workers together. */
export interface ProcessFigures {
  /** 1 is one core. */
  readonly cpuCores: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly openFiles: number;
  /** 0 where it is not known. */
  readonly openFilesMax: number;
  /** 99th percentile over the window, ms. */
  readonly eventLoopDelayP99Ms: number;
  /** s */
  readonly uptimeS: number;
  /** Processes that these figures are of. */
  readonly workers: number;
}

/** See the module. */
export interface Overview {
  /** When it was made, Unix time, ms. */
  readonly atMs: number;
  /** What `rates` and `latency` are of, s; shorter just after the start. */
  readonly windowS: number;
  readonly rates: Rates;
  readonly latency: Latency;
  readonly connections: ConnectionFigures;
  readonly breakers: readonly BreakerFigures[];
  readonly pools: readonly PoolFigures[];
  readonly cache: { readonly tiers: readonly CacheTierFigures[]; readonly bytes: number };
  readonly shm: ShmFigures;
  /** Refused since the start, by tier of the client. */
  readonly rateLimited: Readonly<Record<string, number>>;
  /** Errors answered since the start, by JSON-RPC code. */
  readonly errorsByCode: Readonly<Record<string, number>>;
  readonly capacity: readonly CapacityFigures[];
  readonly anomalies: readonly AnomalyFigures[];
  readonly objectives: readonly ObjectiveFigures[];
  readonly security: {
    /** Since the start, by type. */
    readonly byType: Readonly<Record<string, number>>;
    /** The latest, newest first; bounded. */
    readonly recent: readonly RecentSecurityEvent[];
  };
  /** The latest capacity alerts and anomalies, newest first; bounded. */
  readonly alerts: readonly RecentAlert[];
  readonly process: ProcessFigures;
}

/** Where an overview comes from. */
export interface OverviewSource {
  /** Now; 0.1 ms or so. */
  snapshot(): Overview;
  /** Called with every capacity alert or anomaly that begins or ends; dispose the result to stop. */
  onAlert(listener: (alert: RecentAlert) => void): Disposable;
}
