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
import { MemoryRateStore } from "../../lib/policy/rate_store.ts";
import { SecurityBreaks } from "../../lib/policy/security_breaks.ts";
import { ThreatRules } from "../../lib/policy/threat_rules.ts";
import { auditAmongLogLines, auditFile, type AuditLog } from "../../lib/telemetry/audit_log.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { RootLogger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";

/** Accounts whose buckets are remembered: about 20 MB when all are used. */
const RATE_ACCOUNTS_MAX = 100_000;

/** What guards one gateway. */
export interface Security extends AsyncDisposable {
  /** Takes every security event. */
  readonly report: SecurityEvents;
  readonly gatekeeper: Gatekeeper;
  /** Circuits that events of servers open. */
  readonly breaks: SecurityBreaks;
  /** In front of every call, outermost first. */
  readonly policies: readonly Policy[];
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
  const report = (event: SecurityEvent) => {
    metrics.securityEvents.with({ type: event.type }).inc();
    audit.note(event);
    suspicion.note(event);
    breaks.note(event);
  };
  registry.gauge({
    name: "sluice_suspicious_clients",
    help: "Addresses and principals that are refused for a time.",
    collect: (gauge) => gauge.with({}).set(suspicion.refused),
  });
  const gatekeeper = new Gatekeeper({ denied, suspicion, report });
  const limiter = new RateLimiter(config.rate, {
    store: new MemoryRateStore(RATE_ACCOUNTS_MAX),
    report,
    onLimited: (tier) => metrics.rateLimited.with({ principal_tier: tier }).inc(),
  });
  const threats = new ThreatRules(config.threats, report);
  return {
    report,
    gatekeeper,
    breaks,
    policies: [gatekeeper.policy, limiter.policy, threats.policy],
    configure(next) {
      denied.configure(next.deny);
      suspicion.configure(next.suspicion);
      limiter.configure(next.rate);
      threats.configure(next.threats);
    },
    [Symbol.asyncDispose]: () => audit[Symbol.asyncDispose](),
  };
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
