/**
 * What everything that is wired together shares.
 *
 * @module
 */
import type { Clients } from "../../lib/admin/clients.ts";
import type { Features } from "../../lib/admin/features.ts";
import type { MemoryCache } from "../../lib/cache/memory_cache.ts";
import type { CachedKind } from "../../lib/cache/request_key.ts";
import type { SharedTier } from "../../lib/cache/shared_tier.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { Overview } from "../../lib/telemetry/overview.ts";
import type { ServiceWatch } from "../../lib/telemetry/watch/service_watch.ts";
import type { Tracing } from "../../lib/telemetry/tracing/tracing.ts";
import type { Worker } from "./workers.ts";
import type { ConnectionLimits } from "../../transports/guard/connection_limits.ts";
import type { WireBytes } from "../../transports/guard/wire_bytes.ts";
import type { Admin } from "./admin.ts";
import type { Access } from "./access.ts";
import type { Authentication } from "./auth.ts";
import type { Security } from "./security.ts";
import type { InheritedSockets } from "./inherited_sockets.ts";

/** The parts of one gateway that its listeners and dialers need. */
export interface Base {
  /** As it runs; exchanged whole. */
  config: GatewayConfig;
  readonly log: RootLogger;
  readonly registry: Registry;
  readonly metrics: GatewayMetrics;
  /** What guards it, and takes its security events. */
  readonly security: Security;
  /** Who may come in; absent where nothing is asked. */
  readonly auth?: Authentication;
  /** What each client may do; absent where there are no rules. */
  access?: Access;
  /** Spans of its calls; absent where nothing is traced. */
  readonly tracing?: Tracing;
  /** Of all listeners together. */
  readonly connections: ConnectionLimits;
  /** Answers that are kept. */
  readonly answers?: MemoryCache;
  /** Finds answers that other processes have exported; one for each upstream. */
  readonly sharedAnswers?: () => SharedTier & Disposable;
  /** Which gateway this is, for readers of its export; only while it exports. */
  exportInstance?: string;
  /** Told when answers of these kinds may have become others. */
  readonly answerWatchers?: Set<(kinds: readonly CachedKind[]) => void>;
  /** Where the gateway is several processes: this one among them. */
  worker?: Worker;
  /** Sockets that were opened by whoever started the gateway. */
  readonly inherited?: InheritedSockets;
  /** Bytes of all connections of the listeners. */
  readonly wire?: WireBytes;
  /** Looks after the whole; made before anybody connects. */
  watch?: ServiceWatch;
  /** How the gateway does, all workers together. */
  overview?: () => Promise<Overview>;
  /** Optimisations that can be turned off. */
  readonly features: Features;
  /** Who uses the gateway. */
  readonly clients: Clients;
  /** What operators ask and do; made before anybody connects. */
  admin?: Admin;
  /** Disposed last, in reverse order. */
  readonly owned: AsyncDisposable[];
}

/** What the gateway tells about itself while it runs. */
export interface State {
  readonly draining: boolean;
  sessions(): number;
}

/**
 * A base for parts that end before the gateway does, with what they are made for.
 *
 * @returns the base, and what ends everything that was owned by it
 */
export function partOf(base: Base): { base: Base; owned: AsyncDisposable } {
  const parts: AsyncDisposable[] = [];
  let ended: Promise<void> | undefined;
  const end = async () => {
    for (const part of parts.toReversed()) await part[Symbol.asyncDispose]();
    base.owned.splice(base.owned.indexOf(owned), 1);
  };
  const owned = { [Symbol.asyncDispose]: () => ended ??= end() };
  base.owned.push(owned);
  return { base: { ...base, owned: parts }, owned };
}
