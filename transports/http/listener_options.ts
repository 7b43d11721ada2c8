/**
 * What can be set about an HTTP listener.
 *
 * @module
 */
import type { RequestListener, ServerOptions } from "node:http";
import type { HostRules } from "./host_check.ts";
import { HEADER_BYTES_MAX } from "./head_check.ts";

/** Limits, rules and hooks of a listener. */
export interface HttpListenerOptions extends HostRules {
  /** Whole head of a request, ms. */
  readonly headersTimeoutMs?: number;
  /** Whole request with its body, ms. */
  readonly requestTimeoutMs?: number;
  /** Connection without a request, ms. */
  readonly idleTimeoutMs?: number;
  /** How often those three are looked at, ms. */
  readonly checkIntervalMs?: number;
  /** A client may take nothing for so long while bytes wait for it, ms. */
  readonly writeStallMs?: number;
  readonly headerFieldsMax?: number;
  readonly headerBytesMax?: number;
  /** More connections than this are closed at once. */
  readonly connectionsMax?: number;
  /** How often the listener asks itself whether it is alive, ms; 0 turns it off. */
  readonly probeIntervalMs?: number;
  /** How long that may take, ms. */
  readonly probeTimeoutMs?: number;
  /** Called when a dead listener was bound anew. */
  readonly onRelisten?: () => void;
  /** Called with the status of every request that the listener itself refused, and of what was none (0). */
  readonly onRefused?: (status: number) => void;
  /** Called when a client was closed because it did not read. */
  readonly onStalled?: (count: number) => void;
  /** Answers the paths without a route; 404 when absent. */
  readonly fallback?: RequestListener;
}

/** The part of it that `node:http` looks after. */
export function serverOptions(options: HttpListenerOptions): ServerOptions {
  return {
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: options.idleTimeoutMs ?? 60_000,
    connectionsCheckingInterval: options.checkIntervalMs ?? 1000,
    maxHeaderSize: options.headerBytesMax ?? HEADER_BYTES_MAX,
    requireHostHeader: false, // headProblem answers those, with a body
    noDelay: true,
  };
}
