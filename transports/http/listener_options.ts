/**
 * What can be set about an HTTP listener.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, ServerOptions } from "node:http";
import type tls from "node:tls";
import type { ConnectionLimits } from "../guard/connection_limits.ts";
import type { InheritedSocket } from "../guard/inherited_socket.ts";
import type { WorkerGroup } from "../workers/group.ts";
import type { TlsFailure } from "../tls/handshakes.ts";
import type { CompressionMode } from "./compression.ts";
import type { HostRules } from "./host_check.ts";
import { HEADER_BYTES_MAX } from "./head_check.ts";
import { wantsUpgrade } from "./upgrades.ts";

/** Limits, rules and hooks of a listener. */
export interface HttpListenerOptions extends HostRules {
  /** The processes that listen on the same port, this one among them; absent when it is alone. */
  readonly workers?: WorkerGroup;
  /** Listens on the address already; absent where the listener opens a socket of its own. */
  readonly inherited?: InheritedSocket;
  /** Speaks TLS with these; their ALPN is what `bindHttp` offers. */
  readonly tls?: tls.TlsOptions & tls.SecureContextOptions;
  /** Offers HTTP/2 over TLS where the runtime has it; true by default. */
  readonly http2?: boolean;
  /** Time for a TLS handshake, ms. */
  readonly tlsHandshakeMs?: number;
  /** Sends every request to this port of the same host over HTTPS (308). */
  readonly httpsPort?: number;
  /** Addresses and networks (CIDR) of proxies whose `X-Forwarded-*` is believed; nobody's by default. */
  readonly trustedProxies?: readonly string[];
  /** Whole head of a request, ms. */
  readonly headersTimeoutMs?: number;
  /** Whole request with its body, ms. */
  readonly requestTimeoutMs?: number;
  /** Connection without a request, ms. */
  readonly idleTimeoutMs?: number;
  /** How often those three are looked at, ms. */
  readonly checkIntervalMs?: number;
  /** How often streams are looked after: heartbeats, clients that take nothing; ms. */
  readonly sweepMs?: number;
  /** A client may take nothing for so long while bytes wait for it, ms. */
  readonly writeStallMs?: number;
  readonly headerFieldsMax?: number;
  readonly headerBytesMax?: number;
  /** Connections that may be open; none: no limit. More are closed at once. */
  readonly connections?: ConnectionLimits;
  /** Whose answers are compressed; `auto` by default. */
  readonly compression?: CompressionMode;
  /** How often the listener asks itself whether it is alive, ms; 0 turns it off. */
  readonly probeIntervalMs?: number;
  /** How long that may take, ms. */
  readonly probeTimeoutMs?: number;
  /** Called when a TLS handshake failed; not for clients that connect and send nothing. */
  readonly onTlsFailed?: (failure: TlsFailure, reason: string, address?: string) => void;
  /** Called when a connection of HTTP/2 was ended because its client floods or breaks the rules. */
  readonly onViolation?: (reason: string, address: string | undefined) => void;
  /** Called when a dead listener was bound anew. */
  readonly onRelisten?: () => void;
  /** Called with the status of every request that the listener itself refused, and of what was none (0). */
  readonly onRefused?: (status: number, address?: string) => void;
  /** Called when a client was closed because it did not read. */
  readonly onStalled?: (count: number) => void;
  /** Answers the paths without a route; 404 when absent. */
  readonly fallback?: RequestListener;
}

/** Known to the runtime, not to its types. */
interface UpgradeOptions {
  /** Which requests to upgrade reach the `upgrade` event; the others are answered as if they had not asked. */
  readonly shouldUpgradeCallback: (req: IncomingMessage) => boolean;
}

/** Of `ServerOptions`; HTTP/2 keeps to them, too. */
interface Deadlines {
  readonly headersTimeout: number;
  readonly keepAliveTimeout: number;
}

/** The part of it that `node:http` looks after. */
export function serverOptions(
  options: HttpListenerOptions,
): ServerOptions & UpgradeOptions & Deadlines {
  return {
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    keepAliveTimeout: options.idleTimeoutMs ?? 60_000,
    connectionsCheckingInterval: options.checkIntervalMs ?? 1000,
    maxHeaderSize: options.headerBytesMax ?? HEADER_BYTES_MAX,
    requireHostHeader: false, // headProblem answers those, with a body
    noDelay: true,
    shouldUpgradeCallback: wantsUpgrade,
  };
}
