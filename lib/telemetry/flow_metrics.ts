/**
 * Series about how bytes leave and answers come: batches, compression, errors, lookups in the cache, the
 * export, and how the gateway gets over trouble.
 *
 * @module
 */
import type { Counter } from "./counter.ts";
import { countWithin } from "./watch/quantile.ts";
import type { Histogram } from "./histogram.ts";
import type { Registry } from "./metrics.ts";

/** Upper bounds for messages of one write. */
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
/** Upper bounds for a lookup, seconds: 2 us to 10 ms, with those of {@link LOOKUP_TARGETS_S} among them. */
const LOOKUP_BUCKETS_S = [
  ...[0.000002, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001],
  ...[0.00025, 0.0005, 0.001, 0.01],
];

/** Within what time a kept answer should be found, s: the targets of SONA. */
export const LOOKUP_TARGETS_S = {
  resource_read: 0.000_05,
  tool_schema: 0.000_05,
  static_metadata: 0.000_01,
  shared_memory: 0.000_1,
} as const;

/** What is looked up; label of its series. */
export type LookupTarget = keyof typeof LOOKUP_TARGETS_S;

/** Declares them. A second call with the same registry returns the same metrics. */
export function flowMetrics(registry: Registry) {
  return {
    ...writeMetrics(registry),
    ...answerMetrics(registry),
    ...troubleMetrics(registry),
    ...roomMetrics(registry),
  };
}

function writeMetrics(registry: Registry) {
  const compressed = registry.counter({
    name: "sluice_compressed_bytes_total",
    help: "Bytes that went into compression (message) and came out of it (wire).",
    labels: ["encoding", "stage"],
  });
  registry.gauge({
    name: "sluice_compression_ratio",
    help: "Plain bytes for each byte that compression has sent, since the start.",
    acrossWorkers: "min",
    collect: (gauge) => ratioOf(compressed, (ratio) => gauge.with({}).set(ratio)),
  });
  return {
    /** Messages of each write, towards clients and servers. */
    batchMessages: registry.histogram({
      name: "sluice_batch_messages",
      help: "Messages that left in one write, towards clients and servers.",
      buckets: BATCH_BUCKETS,
    }).with({}),
    /** Fed by whoever compresses; stage is `message` or `wire`. */
    compressed,
  };
}

function ratioOf(compressed: Counter<"encoding" | "stage">, tell: (ratio: number) => void): void {
  const sums = { message: 0, wire: 0 };
  for (const { labelValues: [, stage], value } of compressed.children()) {
    sums[stage as keyof typeof sums] += value;
  }
  if (sums.wire > 0) tell(sums.message / sums.wire);
}

function answerMetrics(registry: Registry) {
  const lookups = registry.histogram({
    name: "sluice_cache_lookup_seconds",
    help: "Time from a call's arrival at the cache to its kept answer, of one in 64.",
    labels: ["target"],
    buckets: LOOKUP_BUCKETS_S,
  });
  registry.gauge({
    name: "sluice_sona_compliance_ratio",
    help:
      "Share of lookups within their target: resource_read and tool_schema 50 us, static_metadata 10 us, shared_memory 100 us.",
    labels: ["target"],
    acrossWorkers: "min",
    collect: (gauge) => compliance(lookups, (target, ratio) => gauge.with({ target }).set(ratio)),
  });
  return {
    /** Lookups that were timed; see `LOOKUP_TARGETS_S`. */
    lookups,
    /** Errors answered; the code is one that the protocol or docs/limits.md defines, else `other`. */
    errors: registry.counter({
      name: "sluice_errors_total",
      help: "JSON-RPC errors that clients were answered, by code.",
      labels: ["code"],
    }),
    /** Requests that a listener refused by their head. */
    httpRefusals: registry.counter({
      name: "sluice_http_refusals_total",
      help: "HTTP requests that a listener refused by their head, by status; 0 was no HTTP.",
      labels: ["status"],
      combinationsMax: 50,
    }),
    /** Share of the export that is stale. */
    shmFragmentation: registry.gauge({
      name: "sluice_shm_fragmentation_ratio",
      help: "Share of the published entry bytes that was replaced or removed since.",
      acrossWorkers: "max",
    }).with({}),
    /** Age of the export; without a series where nothing is exported. */
    shmAge: registry.gauge({
      name: "sluice_shm_age_seconds",
      help: "Time since the export was published; a healthy writer does so every 5 s at least.",
      acrossWorkers: "max",
    }),
    /** Snapshots written. */
    shmPublished: registry.counter({
      name: "sluice_shm_publications_total",
      help: "Snapshots of the shared-memory export that were published.",
    }).with({}),
  };
}

function compliance(
  lookups: Histogram<"target">,
  tell: (target: string, ratio: number) => void,
): void {
  for (const { labelValues: [target], counts } of lookups.children()) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const targetS = LOOKUP_TARGETS_S[target as LookupTarget];
    if (total > 0) tell(target, countWithin(lookups.buckets, counts, targetS) / total);
  }
}

function troubleMetrics(registry: Registry) {
  const attempts = registry.counter({
    name: "sluice_failover_attempts_total",
    help: "Times that another endpoint had to be found: ok, or failed when none could be reached.",
    labels: ["group", "outcome"],
  });
  registry.gauge({
    name: "sluice_failover_success_ratio",
    help: "Share of these that found one, since the start.",
    labels: ["group"],
    acrossWorkers: "min",
    collect: (gauge) => successes(attempts, (group, ratio) => gauge.with({ group }).set(ratio)),
  });
  return {
    /** Outcome `ok` or `failed`. */
    failoverAttempts: attempts,
    /** State entered: `open`, `halfOpen`, `closed`. */
    circuitTransitions: registry.counter({
      name: "sluice_circuit_transitions_total",
      help: "Circuit breakers that entered a state: open, halfOpen or closed.",
      labels: ["upstream", "state"],
    }),
    /** Of several endpoints, named like their circuits. */
    endpointHealth: registry.gauge({
      name: "sluice_endpoint_health",
      help: "Health of one of several endpoints: 0 healthy or unknown, 1 degraded, 2 unhealthy.",
      labels: ["upstream"],
      acrossWorkers: "max",
    }),
    /** 1 while the gateway takes no new work because it is about to end. */
    draining: registry.gauge({
      name: "sluice_draining",
      help: "Processes that take no new work because they are about to end.",
    }).with({}),
    /** Servers that were let go in order: by a reload, or with the gateway. */
    drains: registry.counter({
      name: "sluice_drains_total",
      help: "Drains that began: of the gateway, or of a listener that left the configuration.",
      labels: ["what"],
    }),
  };
}

function successes(
  attempts: Counter<"group" | "outcome">,
  tell: (group: string, ratio: number) => void,
): void {
  const sums = new Map<string, { ok: number; all: number }>();
  for (const { labelValues: [group, outcome], value } of attempts.children()) {
    const sum = sums.get(group) ?? { ok: 0, all: 0 };
    sum.all += value;
    if (outcome === "ok") sum.ok += value;
    sums.set(group, sum);
  }
  for (const [group, { ok, all }] of sums) if (all > 0) tell(group, ok / all);
}

function roomMetrics(registry: Registry) {
  return {
    /** Set once, and when the configuration changes. */
    connectionsMax: registry.gauge({
      name: "sluice_connections_max",
      help: "Connections that all listeners together accept.",
    }).with({}),
    /** All outgoing buffers of the process. */
    bufferBytes: registry.gauge({
      name: "sluice_buffer_bytes",
      help: "Bytes that wait in all outgoing buffers.",
    }).with({}),
    /** Over this, new work is refused. */
    bufferBytesMax: registry.gauge({
      name: "sluice_buffer_bytes_max",
      help: "Bytes that may wait there before new work is refused.",
    }).with({}),
  };
}
