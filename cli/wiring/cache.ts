/**
 * The cache in front of each upstream, and what it hears of the upstream.
 *
 * @module
 */
import type { Policy } from "../../lib/core/handler.ts";
import type { Conversations } from "../../lib/core/upstream.ts";
import { HeardConversations } from "../../lib/cache/heard_conversations.ts";
import { MemoryCache } from "../../lib/cache/memory_cache.ts";
import { type CacheOutcome, ResponseCache, type Tier } from "../../lib/cache/response_cache.ts";
import type { GatewayConfig, UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { Dial } from "../../lib/upstream/client.ts";
import { timedLookups } from "./lookup_times.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { Base } from "./base.ts";

/** A cache, and where it stands. */
export interface UpstreamCache {
  /** In front of everything that is there for the upstream alone. */
  readonly policies: readonly Policy[];
  /** Between the upstream and its conversations. */
  heard(conversations: Conversations): Conversations;
  /** Around what the upstream dials with. */
  watched(dial: Dial): Dial;
}

/**
 * What finds answers in the export of another gateway; `undefined` where none is named.
 *
 * @throws {ShmError} when this platform has no shared memory
 */
export async function exportedAnswers(
  { cache, shm }: GatewayConfig,
): Promise<Base["sharedAnswers"]> {
  if (shm.path === "" || !cache.enabled) return undefined;
  const { ExportTier } = await import("../../lib/cache/export_tier.ts");
  const options = { bytesMax: shm.bytes };
  const { openPreadReader } = await import("../../lib/shm/pread_reader.ts");
  const { openMmapReader } = await import("../../lib/shm/mmap_reader.ts");
  const open = Deno.build.os === "linux" ? openMmapReader : openPreadReader;
  return () => new ExportTier({ reader: open(shm.path, options), memoryMs: cache.ttlMs });
}

/** The memory for kept answers of a whole gateway. */
export function answerMemory({ cache }: GatewayConfig, metrics: GatewayMetrics): MemoryCache {
  return new MemoryCache({
    bytesMax: cache.bytes,
    entriesMax: cache.entries,
    onSize: (bytes) => metrics.cacheBytes.set(bytes),
  });
}

const NO_CACHE: UpstreamCache = {
  policies: [],
  heard: (conversations) => conversations,
  watched: (dial) => dial,
};

/** The cache of one upstream; none where the configuration says so. */
export function upstreamCache(base: Base, upstream: UpstreamConfig): UpstreamCache {
  const { answers, config } = base;
  if (!config.cache.enabled || answers === undefined) return NO_CACHE;
  const { ttlMs, toldMs, declaredMsMax } = config.cache;
  const shared = base.sharedAnswers?.();
  if (shared !== undefined) {
    base.owned.push({ [Symbol.asyncDispose]: () => Promise.resolve(shared[Symbol.dispose]()) });
  }
  const lookups = timedLookups(base.metrics, counter(base.metrics));
  const cache = new ResponseCache({
    name: upstream.name,
    memory: answers,
    shared,
    // Of several endpoints the next may be another server: nothing is kept that nobody vouches for.
    assumedMs: upstream.endpoints.length > 1 ? 0 : ttlMs,
    toldMs,
    declaredMsMax,
    isPerSession: upstream.pool === undefined && upstream.sharing === "perSession",
    isToldIdentity: false,
    count: lookups.count,
    isOn: (call) => base.features.isOn("cache", call),
    onChange(kinds) {
      for (const watcher of base.answerWatchers ?? []) watcher(kinds);
    },
  });
  return {
    policies: [lookups.timed(cache.policy)],
    heard: (conversations) => new HeardConversations(conversations, cache),
    watched: (dial) => watchedDial(dial, () => cache.lost()),
  };
}

/** Tells when a connection begins, and when it has ended. */
function watchedDial(dial: Dial, lost: () => void): Dial {
  const watched = async (signal: AbortSignal) => {
    lost();
    const connection = await dial(signal);
    connection.closed.then(lost, lost);
    return connection;
  };
  return Object.assign(watched, { isPaced: dial.isPaced });
}

/** Counts; the series of a tier's outcome is looked up once. */
function counter({ cacheRequests }: GatewayMetrics): (tier: Tier, outcome: CacheOutcome) => void {
  const hits = cacheRequests.with({ tier: "l1", outcome: "hit" });
  return (tier, outcome) => {
    if (tier === "l1" && outcome === "hit") hits.inc();
    else cacheRequests.with({ tier, outcome }).inc();
  };
}
