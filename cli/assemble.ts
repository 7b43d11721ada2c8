/**
 * Turns a configuration into a running gateway. With `listeners` and `dialers` the only wiring point.
 *
 * @module
 */
import { type GatewayError, SluiceError } from "../lib/core/errors.ts";
import type { Call, Policy } from "../lib/core/handler.ts";
import { Message } from "../lib/core/message.ts";
import type { OutboxOptions } from "../lib/core/outbox.ts";
import type { ConfigDifference } from "../lib/config/difference.ts";
import type { GatewayConfig } from "../lib/config/gateway_config.ts";
import {
  Backpressure,
  type DelayRule,
  stdioDelayMs,
  tcpDelayMs,
} from "../lib/framing/backpressure.ts";
import { Clients } from "../lib/admin/clients.ts";
import { answerInstance } from "../lib/cache/instance_proof.ts";
import { eraCheck } from "../lib/era/era_check.ts";
import { parameterHeaders } from "../lib/era/parameter_headers.ts";
import { Gateway } from "../lib/gateway.ts";
import { Dispatcher } from "../lib/session/dispatcher.ts";
import { SessionRegistry } from "../lib/session/registry.ts";
import { type GatewayMetrics, gatewayMetrics } from "../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../lib/telemetry/logger.ts";
import { callLog } from "../lib/telemetry/log_calls.ts";
import { Registry } from "../lib/telemetry/metrics.ts";
import { startRuntimeSampling } from "../lib/telemetry/runtime_sampling.ts";
import { ConnectionLimits } from "../transports/guard/connection_limits.ts";
import { WireBytes } from "../transports/guard/wire_bytes.ts";
import { createAdmin } from "./wiring/admin.ts";
import { listenAdmin } from "./wiring/admin_listener.ts";
import { type AppliedParts, applyConfig, connectionLimitsOf } from "./wiring/apply.ts";
import type { Base } from "./wiring/base.ts";
import { answerMemory, exportedAnswers } from "./wiring/cache.ts";
import { createFeatures } from "./wiring/features.ts";
import { gatewayEvents } from "./wiring/instrument.ts";
import { takeDefects } from "./process/defects.ts";
import { takeInheritedSockets } from "./wiring/inherited_sockets.ts";
import { withGrace } from "./process/grace.ts";
import { bind, Listening } from "./wiring/listening.ts";
import { observe } from "./wiring/observation.ts";
import { startExport } from "./wiring/shm_export.ts";
import { startTrimming } from "./process/memory_trim.ts";
import { Served } from "./wiring/served.ts";
import { layered } from "../lib/policy/guarded.ts";
import { access, authentication } from "./wiring/guards.ts";
import { createSecurity, type Security } from "./wiring/security.ts";
import { sessionLimit } from "./wiring/session_limit.ts";
import { degradedMode } from "./wiring/supervision.ts";
import { createLog } from "./wiring/logging.ts";
import { createTracing } from "./wiring/tracing.ts";
import { onlyEra } from "./wiring/upstreams.ts";
import { joinWorkers, type WorkerSeat } from "./wiring/workers.ts";
import { VERSION } from "./version.ts";

/** What a caller may decide beyond the configuration. */
export interface AssembleOptions {
  /** Keeps pino out of the start of a short-lived command, ms. */
  readonly logImportDelayMs?: number;
  /** The upstream could not be made ready for a connection. */
  readonly onUnprepared?: (error: GatewayError) => void;
  /** The export that the configuration names is read: that of the gateway which is its upstream. */
  readonly readsExport?: boolean;
  /** Where the gateway is several processes: which of them this one is. */
  readonly seat?: WorkerSeat;
  /** Takes over sockets that whoever started the process has opened. */
  readonly inheritsSockets?: boolean;
}

/** A gateway with its listeners bound, accepting. */
export interface Assembly extends AsyncDisposable {
  readonly log: RootLogger;
  readonly metrics: GatewayMetrics;
  /** As it runs. */
  readonly config: GatewayConfig;
  /** Where it listens. */
  readonly urls: readonly URL[];
  /** Where operators are answered, if that is an address of its own. */
  readonly adminUrl?: URL;
  /** Resolves when every listener has ended by itself: the client on stdin has gone. */
  readonly ended: Promise<void>;
  /**
   * Takes another configuration over, as far as that can be done without a restart. One at a time.
   *
   * @throws {SluiceError} when an address cannot be bound, or the gateway stops; then nothing has changed
   */
  apply(config: GatewayConfig): Promise<ConfigDifference>;
  /** Begins files of logs anew that log rotation has renamed. */
  reopenLogs(): Promise<void>;
  /** Stops accepting, lets calls finish until the signal aborts, then closes everything. */
  drain(hardEnd: AbortSignal): Promise<void>;
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
  Message.jsonDepthMax = config.limits.jsonDepth;
  const base = await createBase(config, options);
  const buffer = bufferOf(base);
  const served = await Served.create(base, buffer);
  const { upstream } = served;
  const sessions = new SessionRegistry({
    sessionsMax: config.limits.sessions,
    sessionsPerAccountMax: config.limits.sessionsPerPrincipal,
    sessionIdleMs: config.limits.sessionIdleMs,
    onCount: (count) => base.metrics.sessions.set(count),
  });
  const events = {
    ...gatewayEvents(
      base.metrics,
      base.log.child("gateway"),
      () => upstream.name,
      (method) => served.isCounted(method),
    ),
    finished(call: Call, outcome: string, durationMs: number) {
      base.clients.answered(call, outcome, durationMs);
      base.features.answered(call, outcome);
    },
    unprepared: (error: GatewayError) => {
      base.log.warn("upstream is not ready", { upstream: upstream.name, reason: error.message });
      options.onUnprepared?.(error);
    },
  };
  const dispatcher = new Dispatcher(
    layered(
      [...policiesOf(base), sessionLimit(base, sessions)],
      degradedMode(base, parameterHeaders()(upstream.handle)),
    ),
    events,
    eraCheck(onlyEra(config.protocol.era)),
  );
  const gateway = new Gateway({
    ...{ dispatcher, sessions, upstream, events, buffer },
    gate: (client) => base.security.gatekeeper.refusalOf(client, client.identity),
    report: base.security.report,
  });
  const state = { draining: false, sessions: () => sessions.size };
  const { seat } = options;
  observe(base, state);
  if (seat !== undefined) base.worker = await joinWorkers(base, seat, state);
  base.admin = createAdmin(base, sessions, state);
  const bound = await bind(base, config.listen);
  for (const address of base.inherited?.unused ?? []) {
    base.log.warn("inherited socket is not used: nothing is to listen there", { address });
  }
  const adminUrl = await listenAdmin(base);
  const exports = options.readsExport !== true;
  if (exports && seat === undefined) await startExport(base, upstream.handle);
  if (exports && seat !== undefined) {
    void seat.exports.then(() => startExport(base, upstream.handle));
  }
  const listening = new Listening(gateway, bound);
  return Object.assign(run({ base, served, listening, sessions, state }, gateway, state), {
    adminUrl,
  });
}

/** At the hard end of a drain clients have so long to take what they were answered, ms. */
const LAST_ANSWERS_MS = 1_000;

function run(parts: AppliedParts, gateway: Gateway, state: { draining: boolean }): Assembly {
  const { base, listening } = parts;
  const { log, metrics, owned } = base;
  const sampling = startRuntimeSampling(metrics);
  const trimming = startTrimming();
  const defects = takeDefects((reason) => {
    metrics.unhandledRejections.inc();
    log.error("defect", { reason });
  });
  return {
    log,
    metrics,
    get config() {
      return base.config;
    },
    urls: listening.urls,
    ended: listening.ended,
    async apply(config) {
      if (state.draining) throw new SluiceError("Cannot apply configuration: the gateway stops");
      return await applyConfig(parts, config);
    },
    async reopenLogs() {
      await Promise.all([log.reopen(), base.security.reopenAudit()]);
    },
    async drain(hardEnd) {
      await base.inherited?.leave();
      state.draining = true;
      base.admin?.drain();
      metrics.drains.with({ what: "gateway" }).inc();
      const left = await listening.stop();
      await gateway.drain(hardEnd);
      await base.tracing?.flush(hardEnd);
      await withGrace(left(), hardEnd, LAST_ANSWERS_MS);
    },
    async [Symbol.asyncDispose]() {
      for (const part of owned.toReversed()) await part[Symbol.asyncDispose]();
      sampling[Symbol.dispose]();
      trimming[Symbol.dispose]();
      defects[Symbol.dispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

async function createBase(config: GatewayConfig, options: AssembleOptions): Promise<Base> {
  const registry = new Registry();
  const metrics = gatewayMetrics(registry);
  metrics.buildInfo.with({ version: VERSION }).set(1);
  const { logImportDelayMs: importDelayMs } = options;
  const log = await createLog(config, { dropped: metrics.logDropped, importDelayMs });
  for (const warning of config.warnings) log.warn(warning);
  for (const note of config.notes) log.debug(note);
  const security = await createSecurity(config, metrics, registry, log);
  const { report } = security;
  const { auth, ownedAuth } = await authentication({ config, registry, log, report });
  const wire = new WireBytes();
  const tracing = await createTracing(config, registry, log);
  const base: Base = {
    config,
    log,
    registry,
    metrics,
    security,
    auth,
    tracing,
    connections: await connectionLimits(config, security, wire),
    wire,
    answers: answerMemory(config, metrics),
    answerWatchers: new Set(),
    features: createFeatures(config, registry, log),
    clients: new Clients(),
    sharedAnswers: options.readsExport === true ? await exportedAnswers(config) : undefined,
    inherited: options.inheritsSockets === true ? takeInheritedSockets() : undefined,
    owned: [...tracing === undefined ? [] : [tracing], security, ...ownedAuth],
  };
  base.access = await access(base);
  return base;
}

/** In front of every call, outermost first. */
function policiesOf(base: Base): readonly Policy[] {
  const { security, access, tracing } = base;
  const own = answerInstance(() => base.exportInstance);
  const ruled = access === undefined ? [] : [access.layer.policy];
  const calls = callLog(base.log.child("calls"));
  return [...tracing?.server ?? [], calls, ...security.policies, ...ruled, own];
}

async function connectionLimits({ limits }: GatewayConfig, security: Security, wire: WireBytes) {
  return new ConnectionLimits({
    ...await connectionLimitsOf(limits),
    wire,
    onRefused: (_, address) => security.report({ type: "too_many_connections", address }),
    refuses: (address) => security.gatekeeper.refusesAddress(address),
  });
}

/** What may wait for one peer, and how it is slowed down when that becomes much. */
function bufferOf({ config, metrics }: Base): Partial<OutboxOptions> {
  const { bufferBytes, bufferMessages } = config.limits;
  return {
    bufferBytesMax: bufferBytes,
    bufferMessagesMax: bufferMessages,
    onWrite: (messages) => metrics.batchMessages.observe(messages),
    pressure: ({ transport }) =>
      new Backpressure({
        bufferBytesMax: bufferBytes,
        delayRule: DELAY_RULES[transport],
        onPressure: (state) => metrics.backpressure.with({ transport, state }).inc(),
      }),
  };
}

const DELAY_RULES: Readonly<Record<string, DelayRule>> = {
  stdio: stdioDelayMs,
  child: stdioDelayMs,
  tcp: tcpDelayMs,
  tls: tcpDelayMs,
  unix: tcpDelayMs,
};
