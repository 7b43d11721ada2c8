/**
 * Which transport listens on an address, with the limits and hooks that it gets. Transports are loaded only
 * where they are used.
 *
 * @module
 */
import type { Admit } from "../../lib/core/admission.ts";
import type { Endpoint, Listener, Transport } from "../../lib/core/connection.ts";
import type { TlsFailure } from "../../transports/tls/handshakes.ts";
import type { Base } from "./base.ts";
import { hushSignalWarning } from "../process/signal_warning.ts";

/** Binds one address; several endpoints of MCP may share it. */
type Binder = (base: Base, endpoint: Endpoint) => Promise<Listener[]>;

/** By the scheme of the URL. */
const LISTENERS: Readonly<Record<string, Binder>> = {
  "stdio:": listenStdio,
  "http:": listenHttp,
  "https:": listenHttp,
  "tcp:": async (base, endpoint) => listenSocket(base, endpoint, (await sockets()).tcp),
  "tls:": async (base, endpoint) => listenSocket(base, endpoint, (await sockets()).tls),
  "unix:": async (base, endpoint) => listenSocket(base, endpoint, (await sockets()).unix),
};

/**
 * Binds an address.
 *
 * @throws {TransportError} when it cannot be bound
 */
export async function listen(base: Base, endpoint: Endpoint): Promise<Listener[]> {
  if (base.worker?.leaves(endpoint) === true) return [];
  return await LISTENERS[endpoint.url.protocol](base, endpoint);
}

/** Listeners end by being disposed. */
const never = new AbortController().signal;

async function listenStdio({ config }: Base, endpoint: Endpoint): Promise<Listener[]> {
  const { stdio } = await import("../../transports/stdio.ts");
  const { messageBytes, bufferBytes } = config.limits;
  const transport = stdio({ messageBytesMax: messageBytes, bufferBytesMax: bufferBytes });
  return [await transport.listen(endpoint, never)];
}

function sockets() {
  return import("../../transports/socket/transport.ts");
}

/** Lines about failed handshakes and silent clients: whoever scans a port must not fill the log. */
const SCAN_LINES_PER_SECOND_MAX = 10;

async function listenSocket(
  base: Base,
  endpoint: Endpoint,
  transport: typeof import("../../transports/socket/transport.ts").tcp,
): Promise<Listener[]> {
  const { limits, http } = base.config;
  const { limited } = await import("../../lib/telemetry/limited_logger.ts");
  const name = endpoint.url.protocol.slice(0, -1);
  const log = limited(base.log.child(name), SCAN_LINES_PER_SECOND_MAX);
  const { report } = base.security;
  const made: Transport = transport({
    messageBytesMax: limits.messageBytes,
    bufferBytesMax: limits.bufferBytes,
    connections: base.connections,
    sharedBy: base.worker?.group.place.count,
    inherited: base.inherited?.at(endpoint.url),
    firstMessageMs: limits.firstMessageMs,
    tlsHandshakeMs: http.tlsHandshakeMs,
    admit: admission(base, endpoint),
    onSilent: (count, addresses) => {
      for (const address of addresses) report({ type: "silent_client", address });
      log.info("clients closed that sent no message", { count });
    },
    ...tlsHooks(base, log),
    onRelisten: relistened(base, name),
  });
  return [await made.listen(endpoint, never)];
}

/** Counts and logs failed handshakes of any TLS listener. */
function tlsHooks(base: Base, log: { info(text: string, fields: Record<string, string>): void }) {
  return {
    onTlsFailed(type: TlsFailure, reason: string, address?: string) {
      base.security.report({ type, address, detail: reason });
      log.info("TLS handshake failed", { type, reason });
    },
  };
}

/** Who is asked to prove himself; those who have failed too often are not even asked. */
function admission({ auth, security }: Base, endpoint: Endpoint): Admit | undefined {
  const admit = auth?.admissionAt(endpoint);
  return admit && security.gatekeeper.before(admit);
}

/** How often streams are looked after, at least, ms. */
const SWEEP_MS_MAX = 1_000;

/** Requests that a listener refuses by their head. */
function refusals({ security, metrics }: Base) {
  return (status: number, address?: string) => {
    metrics.httpRefusals.with({ status: String(status) }).inc();
    if (address === undefined) return; // the client has gone, or a failed handshake is told elsewhere
    if (status === 403) security.report({ type: "host_refused", address });
    else if (REFUSED_FOR_FORM.has(status)) security.report({ type: "protocol_violation", address });
  };
}

/** Statuses of requests that are none: no sense in their bytes, head or target. */
const REFUSED_FOR_FORM: ReadonlySet<number> = new Set([0, 400, 408, 431]);

function relistened(base: Base, transport: string): () => void {
  const relistens = base.metrics.relistens.with({ transport });
  return () => {
    relistens.inc();
    base.log.warn("listener was dead and has been bound anew", { transport });
  };
}

/** One port with every way of MCP over HTTP on it, and the admin routes. */
async function listenHttp(base: Base, endpoint: Endpoint): Promise<Listener[]> {
  const { bindHttp } = await import("../../transports/http/bind.ts");
  const { BodyBudget } = await import("../../transports/http/body_budget.ts");
  const { StreamableHttpListener } = await import("../../transports/streamable_http/transport.ts");
  const { SseListener } = await import("../../transports/sse/transport.ts");
  const { WebSocketListener } = await import("../../transports/websocket/transport.ts");
  const { messageBytes, bufferBytes } = base.config.limits;
  const { heartbeatMs } = base.config.http;
  if (endpoint.url.protocol === "https:") hushSignalWarning();
  const port = await bindHttp(endpoint.url, await httpOptions(base, endpoint));
  const bodies = new BodyBudget(base.config.http.bodyBudgetBytes);
  const admit = admission(base, endpoint);
  const messages = { messageBytesMax: messageBytes, admit };
  const limits = { ...messages, bufferBytesMax: bufferBytes, bodies, heartbeatMs };
  const { report } = base.security;
  base.auth?.describe(port);
  return [
    new StreamableHttpListener(port, limits),
    new SseListener(port, { ...limits, report }),
    new WebSocketListener(port, {
      ...{ ...messages, pingIntervalMs: heartbeatMs },
      onRefused: refusals(base),
    }),
  ];
}

/** Where requests over plain HTTP are sent to, if they are. */
function httpsPortOf({ config }: Base, { url }: Endpoint): number | undefined {
  if (!config.http.redirectToHttps || url.protocol === "https:") return undefined;
  const secure = config.listen.find(({ url }) => url.protocol === "https:");
  return secure && Number(secure.url.port || 443);
}

/** Limits, rules and hooks of an HTTP listener. */
export async function httpOptions(base: Base, endpoint: Endpoint) {
  const { http } = base.config;
  const { limited } = await import("../../lib/telemetry/limited_logger.ts");
  const log = limited(base.log.child("http"), SCAN_LINES_PER_SECOND_MAX);
  return {
    allowedHosts: http.allowedHosts,
    allowedOrigins: http.allowedOrigins,
    tlsHandshakeMs: http.tlsHandshakeMs,
    headersTimeoutMs: http.headersMs,
    requestTimeoutMs: http.bodyMs,
    idleTimeoutMs: http.keepAliveMs,
    sweepMs: Math.min(SWEEP_MS_MAX, http.heartbeatMs / 2),
    headerFieldsMax: http.headerFieldsMax,
    headerBytesMax: http.headerBytesMax,
    compression: http.compression,
    trustedProxies: http.trustedProxies,
    httpsPort: httpsPortOf(base, endpoint),
    connections: base.connections,
    workers: base.worker?.group,
    inherited: base.inherited?.at(endpoint.url),
    ...tlsHooks(base, log),
    onRelisten: relistened(base, "http"),
    onRefused: refusals(base),
    onViolation: (detail: string, address: string | undefined) =>
      base.security.report({ type: "protocol_violation", address, detail }),
    fallback: base.admin!.fallback(),
  };
}
