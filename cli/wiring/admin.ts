/**
 * What operators ask and do while the gateway runs: wired here, loaded when somebody asks.
 *
 * @module
 */
import type { IncomingMessage, RequestListener } from "node:http";
import { AdminAgent } from "../../lib/admin/agent.ts";
import type { AdminPeer } from "../../lib/admin/guard.ts";
import type { GatewayView } from "../../lib/admin/gateway_view.ts";
import type { LiveSession } from "../../lib/admin/clients.ts";
import type { OperatorFacts } from "../../lib/admin/routes.ts";
import { isLoopbackIp, plainIp } from "../../lib/core/client_address.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import type { SessionRegistry } from "../../lib/session/registry.ts";
import type { ClientSession } from "../../lib/session/session.ts";
import { backgroundTimer } from "../../lib/telemetry/background_timer.ts";
import { LeakWatch } from "../../lib/telemetry/profiler_leaks.ts";
import { isForwardingHeader, TrustedProxies } from "../../transports/http/trusted_proxies.ts";
import { remoteAddressOf } from "../../transports/workers/origin.ts";
import { VERSION } from "../version.ts";
import type { Base, State } from "./base.ts";
import { logLevels } from "./log_levels.ts";
import { OperatorKeys } from "./operator_keys.ts";

/** The admin routes of a gateway. */
export interface Admin {
  /** Answers what no other route does. @param isOwn on the address that is for operators alone */
  fallback(isOwn?: boolean): RequestListener;
  /** Answers for this process what another worker asks; see `AdminAgent`. */
  answer(path: string): Promise<string>;
  /** Takes over other settings. */
  configure(config: GatewayConfig, keys: OperatorKeys): void;
  /** Ends dashboards: they would hold up a drain. */
  drain(): void;
}

/** The gateway has started by then; the first who looks finds a history, ms. */
const LOAD_MS = 1_000;
/** Between two looks at what may leak, ms. */
const LEAK_LOOK_MS = 10_000;

/**
 * Makes the admin routes.
 *
 * @throws {ConfigError} a token is not there
 */
export function createAdmin(base: Base, sessions: SessionRegistry, state: State): Admin {
  let keys = new OperatorKeys(base.config.admin);
  const leaks = watchLeaks(base, sessions);
  const view = viewOf(base, sessions, state, leaks);
  const agent = new AdminAgent(
    view,
    base.worker && ((path, timeoutMs) => base.worker!.group.askOthers(path, timeoutMs)),
  );
  let loaded: Promise<Loaded> | undefined;
  let feed: Disposable | undefined;
  const load = () =>
    loaded ??= loadRoutes(base, state, agent, () => keys).then((made) => {
      feed = made.feed;
      if (state.draining) feed[Symbol.dispose]();
      return made;
    });
  const warmUp = backgroundTimer(() => {
    if (base.config.listen.some(({ url }) => url.protocol.startsWith("http"))) void load();
  }, LOAD_MS);
  const drain = () => {
    warmUp[Symbol.dispose]();
    feed?.[Symbol.dispose]();
  };
  base.owned.push({
    [Symbol.asyncDispose]() {
      drain();
      leaks[Symbol.dispose]();
      return Promise.resolve();
    },
  });
  return {
    fallback: (isOwn = false) => (request, response) => {
      load().then((made) => (isOwn ? made.own : made.shared)(request, response), (reason) => {
        base.log.error("admin routes cannot be loaded", { reason });
        response.destroy();
      });
    },
    answer: (path) => agent.answer(path),
    configure(config, others) {
      keys = others;
      base.features.configure(config.features);
    },
    drain,
  };
}

interface Loaded {
  /** On an address of their own. */
  readonly own: RequestListener;
  /** Beside MCP. */
  readonly shared: RequestListener;
  readonly feed: Disposable;
}

async function loadRoutes(
  base: Base,
  state: State,
  agent: AdminAgent,
  keys: () => OperatorKeys,
): Promise<Loaded> {
  const { getRequestListener } = await import("@hono/node-server");
  const { adminRoutes } = await import("../../lib/admin/routes.ts");
  const { DashboardFeed } = await import("../../lib/admin/dashboard/feed.ts");
  const log = base.log.child("admin");
  const overview = () => base.overview!();
  const feed = new DashboardFeed({
    overview,
    own: agent.isAlone ? () => base.watch!.snapshot() : undefined,
    viewersMax: () => base.config.admin.viewers,
    failed: (reason) => log.warn("the dashboard has no figures", { reason }),
  });
  feed.start();
  const proxies = new TrustedProxies(base.config.http.trustedProxies);
  const routes = (isElsewhere: boolean): RequestListener => {
    const operators: OperatorFacts = {
      ...{ agent, overview, feed, isElsewhere, access: accessOf(base, keys) },
      idleCleanupS: () => base.config.admin.idleCleanupS,
      isProtected: (route) => base.config.admin.protect.includes(route),
    };
    const app = adminRoutes({
      registry: base.registry,
      version: VERSION,
      logger: log,
      uptimeS: agent.view.uptimeS,
      sessions: () => state.sessions(),
      draining: () => state.draining,
      workers: base.worker?.facts,
      operators,
    });
    const answer = (request: Request, { incoming }: { incoming: unknown }) =>
      app.fetch(request, { peer: peerOf(incoming as IncomingMessage, proxies) });
    return getRequestListener(answer, { overrideGlobalObjects: false }) as RequestListener;
  };
  return { own: routes(false), shared: routes(base.config.admin.listen !== ""), feed };
}

function accessOf({ security }: Base, keys: () => OperatorKeys): OperatorFacts["access"] {
  return {
    hasTokens: () => keys().any,
    isToken: (text) => keys().has(text),
    isRefused: (address) => security.gatekeeper.refusalOf({ address }) !== undefined,
    failed: (address) =>
      security.report({ type: "authentication_failed", address, detail: "token of an operator" }),
  };
}

function viewOf(
  base: Base,
  sessions: SessionRegistry,
  state: State,
  leaks: LeakWatch,
): GatewayView {
  const startMs = performance.now();
  return {
    version: VERSION,
    uptimeS: () => (performance.now() - startMs) / 1000,
    draining: () => state.draining,
    sessions: () => sessions.all(),
    end: (session: LiveSession) => sessions.end(session as ClientSession),
    clients: base.clients,
    features: base.features,
    logLevels: logLevels(base.log),
    leaks: () => leaks.report(),
    profileFolder: () => base.config.admin.profileFolder,
  };
}

/** Where a request comes from. Whatever names a proxy makes it foreign: anybody may have sent it through. */
function peerOf(req: IncomingMessage, proxies: TrustedProxies): AdminPeer {
  const isRelayed = Object.keys(req.headers).some((name) =>
    name === "via" || isForwardingHeader(name)
  );
  const isLocal = !isRelayed && isLoopbackIp(plainIp(remoteAddressOf(req)));
  return { address: proxies.clientAddress(req), isLocal };
}

function watchLeaks(base: Base, sessions: SessionRegistry): LeakWatch & Disposable {
  const watch = new LeakWatch();
  let timer: Disposable;
  const look = () => {
    const { rss, heapUsed } = Deno.memoryUsage();
    watch.take({
      atMs: Date.now(),
      residentBytes: rss,
      heapBytes: heapUsed,
      connections: base.connections.open,
      sessions: sessions.size,
    });
    timer = backgroundTimer(look, LEAK_LOOK_MS);
  };
  timer = backgroundTimer(look, LEAK_LOOK_MS);
  return Object.assign(watch, { [Symbol.dispose]: () => timer[Symbol.dispose]() });
}
