/**
 * Where security events go, and what stands between clients and the rest.
 *
 * @module
 */
import type { Policy } from "../../lib/core/handler.ts";
import { NetworkList } from "../../lib/core/network_list.ts";
import type { SecurityEvent, SecurityEvents } from "../../lib/core/security_event.ts";
import { DenyList } from "../../lib/auth/deny_list.ts";
import { Gatekeeper } from "../../lib/auth/gatekeeper.ts";
import { Suspicion } from "../../lib/auth/suspicion.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { RateLimiter } from "../../lib/policy/rate_limiter.ts";
import { ElectedRateStore } from "../../lib/policy/elected_rate_store.ts";
import { SecurityBreaks } from "../../lib/policy/security_breaks.ts";
import { ThreatRules } from "../../lib/policy/threat_rules.ts";
import { auditAmongLogLines, auditFile, type AuditLog } from "../../lib/telemetry/audit_log.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import type { WorkerGroup } from "../../transports/workers/group.ts";
import type { RecentSecurityEvent } from "../../lib/telemetry/overview.ts";
import { Recent } from "../../lib/telemetry/watch/recent.ts";
import { Siblings } from "./siblings.ts";

/** Accounts whose buckets are remembered: about 20 MB when all are used. */
const RATE_ACCOUNTS_MAX = 100_000;
/** Events that are kept to be looked at. */
const RECENT_MAX = 100;
const DETAIL_CHARS_MAX = 200;
/** Path at which workers ask each other about calls of an account. */
const RATES = "/rates";

/** What guards one gateway. */
export interface Security extends AsyncDisposable {
  /** Takes every security event. */
  readonly report: SecurityEvents;
  readonly gatekeeper: Gatekeeper;
  /** Circuits that events of servers open. */
  readonly breaks: SecurityBreaks;
  /** The latest events, newest first. */
  recent(): readonly RecentSecurityEvent[];
  /** In front of every call, outermost first. */
  readonly policies: readonly Policy[];
  /** What workers ask each other. */
  readonly siblings: Siblings;
  /** This process is one of several, which keep the limits together. */
  join(group: WorkerGroup): void;
  /** Begins the file of the audit log anew, if there is one. */
  reopenAudit(): Promise<void>;
  /** Other settings from now on. */
  configure(config: GatewayConfig): void;
}

/**
 * Makes what guards a gateway.
 *
 * @throws {SluiceError} when the audit log cannot be opened
 */
export async function createSecurity(
  config: GatewayConfig,
  metrics: GatewayMetrics,
  registry: Registry,
  log: RootLogger,
): Promise<Security> {
  const audit = await auditLog(config, metrics, log);
  const proxies = new NetworkList(config.http.trustedProxies);
  const denied = new DenyList(config.deny);
  const suspicion: Suspicion = new Suspicion(config.suspicion, {
    isProxy: (ip) => proxies.has(ip),
    onRefused: (event) => report({ ...event, type: "suspicious_client", detail: event.type }),
  });
  const breaks = new SecurityBreaks();
  const recent = new Recent<RecentSecurityEvent>(RECENT_MAX);
  const report = (event: SecurityEvent) => {
    metrics.securityEvents.with({ type: event.type }).inc();
    recent.add(recentEvent(event));
    audit.note(event);
    suspicion.note(event);
    breaks.note(event);
  };
  const suspicious = registry.gauge({
    name: "sluice_suspicious_clients",
    help: "Addresses and principals that are refused for a time.",
  }).with({});
  registry.onCollect(() => suspicious.set(suspicion.refused));
  const gatekeeper = new Gatekeeper({ denied, suspicion, report });
  const siblings = new Siblings();
  const rates = new ElectedRateStore(RATE_ACCOUNTS_MAX);
  siblings.answers(RATES, (text) => rates.answer(text));
  const limiter = new RateLimiter(config.rate, {
    store: rates,
    report,
    onLimited: (tier) => metrics.rateLimited.with({ principal_tier: tier }).inc(),
  });
  const threats = new ThreatRules(config.threats, report);
  return {
    report,
    gatekeeper,
    breaks,
    recent: () => recent.list(),
    policies: [gatekeeper.policy, limiter.policy, threats.policy],
    siblings,
    join(group) {
      const { number: own, count } = group.place;
      siblings.join(group);
      rates.join({ own, count, ask: (worker, text) => siblings.ask(worker, RATES, text) });
    },
    reopenAudit: () => audit.reopen?.() ?? Promise.resolve(),
    configure(next) {
      denied.configure(next.deny);
      suspicion.configure(next.suspicion);
      limiter.configure(next.rate);
      threats.configure(next.threats);
    },
    [Symbol.asyncDispose]: () => audit[Symbol.asyncDispose](),
  };
}

function recentEvent(event: SecurityEvent): RecentSecurityEvent {
  return { ...event, detail: event.detail?.slice(0, DETAIL_CHARS_MAX), atMs: Date.now() };
}

async function auditLog(
  { audit }: GatewayConfig,
  metrics: GatewayMetrics,
  log: RootLogger,
): Promise<AuditLog> {
  if (audit.path === "") return auditAmongLogLines(log.child("audit"));
  return await auditFile(audit.path, {
    dropped: metrics.auditDropped,
    onGap: (lines) => log.warn("audit lines were dropped", { lines }),
  });
}
