/**
 * The only wiring point: turns a configuration into a running gateway.
 *
 * @module
 */
import type { Endpoint, Listener, Transport } from "../lib/core/connection.ts";
import type { GatewayError } from "../lib/core/errors.ts";
import { UPSTREAM_CALLS_OPEN_MAX } from "../lib/core/limits.ts";
import type { Upstream } from "../lib/core/upstream.ts";
import type { GatewayConfig, UpstreamConfig } from "../lib/config/gateway_config.ts";
import { Gateway } from "../lib/gateway.ts";
import { Dispatcher } from "../lib/session/dispatcher.ts";
import { SessionRegistry } from "../lib/session/registry.ts";
import { type GatewayMetrics, gatewayMetrics } from "../lib/telemetry/gateway_metrics.ts";
import { createLogger, type RootLogger } from "../lib/telemetry/logger.ts";
import { Registry } from "../lib/telemetry/metrics.ts";
import { startRuntimeSampling } from "../lib/telemetry/runtime_sampling.ts";
import { gatewayEvents, linkEvents } from "./instrument.ts";
import { VERSION } from "./version.ts";

/** What a caller may decide beyond the configuration. */
export interface AssembleOptions {
  /** Keeps pino out of the start of a short-lived command, ms. */
  readonly logImportDelayMs?: number;
  /** The upstream could not be made ready for a connection. */
  readonly onUnprepared?: (error: GatewayError) => void;
}

/** A gateway with its listeners bound, accepting. */
export interface Assembly extends AsyncDisposable {
  readonly log: RootLogger;
  /** Where it listens. */
  readonly urls: readonly URL[];
  /** Resolves when every listener has ended by itself: the client on stdin has gone. */
  readonly ended: Promise<void>;
  /** Stops accepting, lets calls finish until the signal aborts, then closes everything. */
  drain(hardEnd: AbortSignal): Promise<void>;
}

/** Everything that the parts share. */
interface Base {
  readonly config: GatewayConfig;
  readonly log: RootLogger;
  readonly registry: Registry;
  readonly metrics: GatewayMetrics;
  /** Disposed last, in reverse order. */
  readonly owned: AsyncDisposable[];
}

/**
 * Binds the listeners and starts accepting.
 *
 * @throws {TransportError} when an address cannot be bound
 */
export async function assemble(
  config: GatewayConfig,
  options: AssembleOptions = {},
): Promise<Assembly> {
  const base = createBase(config, options);
  const upstream = await createUpstream(base, config.upstreams[0]);
  const sessions = new SessionRegistry({
    sessionsMax: config.limits.sessions,
    sessionIdleMs: config.limits.sessionIdleMs,
    onCount: (count) => base.metrics.sessions.set(count),
  });
  const events = {
    ...gatewayEvents(base.metrics, base.log.child("gateway"), upstream.name),
    unprepared: (error: GatewayError) => {
      base.log.warn("upstream is not ready", { upstream: upstream.name, reason: error.message });
      options.onUnprepared?.(error);
    },
  };
  const dispatcher = new Dispatcher(upstream.handle, events);
  const gateway = new Gateway({ dispatcher, sessions, upstream, events, buffer: bufferOf(config) });
  const state = { draining: false, sessions: () => sessions.size };
  const listeners: Listener[] = [];
  try {
    for (const endpoint of config.listen) listeners.push(await listen(base, endpoint, state));
  } catch (error) {
    for (const listener of listeners) await listener[Symbol.asyncDispose]();
    throw error;
  }
  return run(base, gateway, listeners, state);
}

function run(
  { log, metrics, owned }: Base,
  gateway: Gateway,
  listeners: readonly Listener[],
  state: { draining: boolean },
): Assembly {
  const sampling = startRuntimeSampling(metrics);
  const guard = surviveRejections(log, metrics);
  const serving = Promise.all(listeners.map((listener) => gateway.serve(listener)));
  return {
    log,
    urls: listeners.map((listener) => listener.url),
    ended: serving.then(() => {}),
    async drain(hardEnd) {
      state.draining = true;
      for (const listener of listeners) await listener[Symbol.asyncDispose]();
      await gateway.drain(hardEnd);
      await serving;
    },
    async [Symbol.asyncDispose]() {
      for (const part of owned.toReversed()) await part[Symbol.asyncDispose]();
      sampling[Symbol.dispose]();
      guard[Symbol.dispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

function createBase(config: GatewayConfig, options: AssembleOptions): Base {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  metrics.buildInfo.with({ version: VERSION }).set(1);
  const { level, format } = config.log;
  const log = createLogger({
    threshold: level,
    format: format === "auto" ? undefined : format,
    dropped: metrics.logDropped,
    importDelayMs: options.logImportDelayMs,
  });
  for (const warning of config.warnings) log.warn(warning);
  for (const note of config.notes) log.debug(note);
  return { config, log, registry, metrics, owned: [] };
}

async function createUpstream(base: Base, config: UpstreamConfig): Promise<Upstream> {
  const { endpoint, name } = config;
  if (endpoint.url.href === "builtin:echo") {
    const { echoUpstream } = await import("../lib/upstream/echo.ts");
    return echoUpstream(name, VERSION);
  }
  const { limits } = base.config;
  const transport = await dialer(base, endpoint, name);
  const dial = (signal: AbortSignal) => transport.dial(endpoint, signal);
  const events = linkEvents(base.metrics, base.log.child("upstream"), name);
  const linkOptions = {
    callDeadlineMs: limits.callDeadlineMs,
    callDeadlineHardMs: limits.callDeadlineHardMs,
    callsOpenMax: UPSTREAM_CALLS_OPEN_MAX,
    buffer: bufferOf(base.config),
  };
  if (config.sharing === "shared") {
    const { SharedUpstream } = await import("../lib/upstream/shared.ts");
    return new SharedUpstream(name, dial, events, linkOptions, {
      name: "sluice",
      version: VERSION,
    });
  }
  const { PerSessionUpstream } = await import("../lib/upstream/per_session.ts");
  return new PerSessionUpstream(name, dial, events, linkOptions);
}

function bufferOf({ limits }: GatewayConfig) {
  return { bufferBytesMax: limits.bufferBytes, bufferMessagesMax: limits.bufferMessages };
}

/** The transport that reaches an endpoint. Transports are loaded only where they are used. */
async function dialer(base: Base, endpoint: Endpoint, name: string): Promise<Transport> {
  const { messageBytes } = base.config.limits;
  if (endpoint.command !== undefined) {
    const { child } = await import("../transports/child.ts");
    const { limited } = await import("../lib/telemetry/limited_logger.ts");
    const log = limited(base.log.child("child"), STDERR_LINES_PER_SECOND_MAX);
    const transport = child({
      messageBytesMax: messageBytes,
      onStderr: (line) => log.info(line, { upstream: name }),
      onWarning: (text) => base.log.warn(text),
    });
    base.owned.push(transport);
    return counted(transport, base.metrics.children);
  }
  if (endpoint.url.protocol === "builtin:") {
    const { builtinTransport } = await import("../transports/builtin.ts");
    return builtinTransport(VERSION);
  }
  const { StreamableHttpTransport } = await import("../transports/streamable_http/transport.ts");
  const log = base.log.child("http");
  return new StreamableHttpTransport({
    client: {
      messageBytesMax: messageBytes,
      onLost: (reason) => log.warn("message lost", { upstream: name, reason }),
    },
  });
}

/** Counts the connections of a transport while they last. */
function counted(transport: Transport, gauge: { inc(n: number): void }): Transport {
  return {
    ...transport,
    async dial(endpoint, signal) {
      const connection = await transport.dial(endpoint, signal);
      gauge.inc(1);
      const ended = () => gauge.inc(-1);
      connection.closed.then(ended, ended);
      return connection;
    },
  };
}

/** A server's chatter on stderr must not drown the log. */
const STDERR_LINES_PER_SECOND_MAX = 100;

interface State {
  readonly draining: boolean;
  sessions(): number;
}

async function listen(base: Base, endpoint: Endpoint, state: State): Promise<Listener> {
  if (endpoint.url.protocol === "http:") return await listenHttp(base, endpoint, state);
  const { stdio } = await import("../transports/stdio.ts");
  const { messageBytes, bufferBytes } = base.config.limits;
  return await stdio({ messageBytesMax: messageBytes, bufferBytesMax: bufferBytes })
    .listen(endpoint, new AbortController().signal);
}

async function listenHttp(base: Base, endpoint: Endpoint, state: State): Promise<Listener> {
  const { StreamableHttpTransport } = await import("../transports/streamable_http/transport.ts");
  const { http, limits } = base.config;
  const relistens = base.metrics.relistens.with({ transport: "http" });
  const refused = base.metrics.securityEvents.with({ type: "http_refused" });
  const transport = new StreamableHttpTransport({
    listener: {
      allowedHosts: http.allowedHosts,
      allowedOrigins: http.allowedOrigins,
      headersTimeoutMs: http.headersMs,
      requestTimeoutMs: http.bodyMs,
      idleTimeoutMs: http.keepAliveMs,
      headerFieldsMax: http.headerFieldsMax,
      headerBytesMax: http.headerBytesMax,
      onRelisten: () => relistens.inc(),
      onRefused: () => refused.inc(),
      fallback: adminFallback(base, state),
    },
    server: { messageBytesMax: limits.messageBytes, bufferBytesMax: limits.bufferBytes },
  });
  return await transport.listen(endpoint, new AbortController().signal);
}

/** `/metrics`, `/health` and `/ready`, loaded when somebody asks. */
function adminFallback(base: Base, state: State) {
  const startMs = performance.now();
  type RequestListener = import("node:http").RequestListener;
  const load = async (): Promise<RequestListener> => {
    const { getRequestListener } = await import("@hono/node-server");
    const { adminRoutes } = await import("../lib/admin/routes.ts");
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
    loaded.then((listener) => listener(request, response), () => response.destroy());
  };
  return answer;
}

/** A rejected promise that nobody handled is our defect; it is counted, and costs no other client its gateway. */
function surviveRejections(log: RootLogger, metrics: GatewayMetrics): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    metrics.unhandledRejections.inc();
    log.error("unhandled rejection", { reason: event.reason });
  };
  globalThis.addEventListener("unhandledrejection", onRejection, { capture: true });
  return {
    [Symbol.dispose]: () =>
      globalThis.removeEventListener("unhandledrejection", onRejection, { capture: true }),
  };
}
