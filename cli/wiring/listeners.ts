/**
 * Which transport listens on an address, with the limits and hooks that it gets. Transports are loaded only
 * where they are used.
 *
 * @module
 */
import type { Endpoint, Listener, Transport } from "../../lib/core/connection.ts";
import type { Base, State } from "./base.ts";
import { hushSignalWarning } from "../process/signal_warning.ts";
import { VERSION } from "../version.ts";

/** Binds one address; several endpoints of MCP may share it. */
type Binder = (base: Base, endpoint: Endpoint, state: State) => Promise<Listener[]>;

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
export async function listen(base: Base, endpoint: Endpoint, state: State): Promise<Listener[]> {
  return await LISTENERS[endpoint.url.protocol](base, endpoint, state);
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
  const silent = base.metrics.securityEvents.with({ type: "silent_client" });
  const made: Transport = transport({
    messageBytesMax: limits.messageBytes,
    bufferBytesMax: limits.bufferBytes,
    connections: base.connections,
    firstMessageMs: limits.firstMessageMs,
    tlsHandshakeMs: http.tlsHandshakeMs,
    onSilent: (count) => {
      silent.inc(count);
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
    onTlsFailed(type: string, reason: string) {
      base.metrics.securityEvents.with({ type }).inc();
      log.info("TLS handshake failed", { type, reason });
    },
  };
}

function relistened(base: Base, transport: string): () => void {
  const relistens = base.metrics.relistens.with({ transport });
  return () => {
    relistens.inc();
    base.log.warn("listener was dead and has been bound anew", { transport });
  };
}

/** One port with every way of MCP over HTTP on it, and the admin routes. */
async function listenHttp(base: Base, endpoint: Endpoint, state: State): Promise<Listener[]> {
  const { bindHttp } = await import("../../transports/http/bind.ts");
  const { BodyBudget } = await import("../../transports/http/body_budget.ts");
  const { StreamableHttpListener } = await import("../../transports/streamable_http/transport.ts");
  const { SseListener } = await import("../../transports/sse/transport.ts");
  const { WebSocketListener } = await import("../../transports/websocket/transport.ts");
  const { messageBytes, bufferBytes } = base.config.limits;
  if (endpoint.url.protocol === "https:") hushSignalWarning();
  const port = await bindHttp(endpoint.url, await httpOptions(base, endpoint, state));
  const bodies = new BodyBudget(base.config.http.bodyBudgetBytes);
  const limits = { messageBytesMax: messageBytes, bufferBytesMax: bufferBytes, bodies };
  return [
    new StreamableHttpListener(port, limits),
    new SseListener(port, limits),
    new WebSocketListener(port, { messageBytesMax: messageBytes }),
  ];
}

/** Where requests over plain HTTP are sent to, if they are. */
function httpsPortOf({ config }: Base, { url }: Endpoint): number | undefined {
  if (!config.http.redirectToHttps || url.protocol === "https:") return undefined;
  const secure = config.listen.find(({ url }) => url.protocol === "https:");
  return secure && Number(secure.url.port || 443);
}

async function httpOptions(base: Base, endpoint: Endpoint, state: State) {
  const { http } = base.config;
  const { limited } = await import("../../lib/telemetry/limited_logger.ts");
  const log = limited(base.log.child("http"), SCAN_LINES_PER_SECOND_MAX);
  const refused = base.metrics.securityEvents.with({ type: "http_refused" });
  return {
    allowedHosts: http.allowedHosts,
    allowedOrigins: http.allowedOrigins,
    tlsHandshakeMs: http.tlsHandshakeMs,
    headersTimeoutMs: http.headersMs,
    requestTimeoutMs: http.bodyMs,
    idleTimeoutMs: http.keepAliveMs,
    headerFieldsMax: http.headerFieldsMax,
    headerBytesMax: http.headerBytesMax,
    compression: http.compression,
    trustedProxies: http.trustedProxies,
    httpsPort: httpsPortOf(base, endpoint),
    connections: base.connections,
    ...tlsHooks(base, log),
    onRelisten: relistened(base, "http"),
    onRefused: () => refused.inc(),
    fallback: adminFallback(base, state),
  };
}

/** `/metrics`, `/health` and `/ready`, loaded when somebody asks. */
function adminFallback(base: Base, state: State) {
  const startMs = performance.now();
  type RequestListener = import("node:http").RequestListener;
  const load = async (): Promise<RequestListener> => {
    const { getRequestListener } = await import("@hono/node-server");
    const { adminRoutes } = await import("../../lib/admin/routes.ts");
    const app = adminRoutes({
      registry: base.registry,
      version: VERSION,
      logger: base.log.child("admin"),
      uptimeS: () => (performance.now() - startMs) / 1000,
      sessions: () => state.sessions(),
      draining: () => state.draining,
    });
    return getRequestListener(app.fetch, { overrideGlobalObjects: false }) as RequestListener;
  };
  let loaded: Promise<RequestListener> | undefined;
  const answer: RequestListener = (request, response) => {
    loaded ??= load();
    loaded.then((listener) => listener(request, response), (reason) => {
      base.log.error("admin routes cannot be loaded", { reason });
      response.destroy();
    });
  };
  return answer;
}
