/**
 * Turns what the parts report into counters and log lines.
 *
 * @module
 */
import type { CircuitState } from "../../lib/core/circuit.ts";
import type { Batch } from "../../lib/core/connection.ts";
import type { GatewayError } from "../../lib/core/errors.ts";
import type { Message } from "../../lib/core/message.ts";
import type { SecurityEvents } from "../../lib/core/security_event.ts";
import type { Health } from "../../lib/upstream/selection.ts";
import type { GatewayMetrics } from "../../lib/telemetry/gateway_metrics.ts";
import type { Logger } from "../../lib/telemetry/logger.ts";
import type { Registry } from "../../lib/telemetry/metrics.ts";
import { errorLabel } from "../../lib/telemetry/error_label.ts";
import { methodLabel } from "../../lib/telemetry/method_label.ts";

/**
 * Reports of the gateway and the dispatcher.
 *
 * @param upstream name of what answers now
 * @param isCounted whether answers to a method are counted elsewhere
 */
export function gatewayEvents(
  metrics: GatewayMetrics,
  log: Logger,
  upstream: () => string,
  isCounted: (method: string) => boolean = () => false,
) {
  const meters = new Map<string, ReturnType<typeof transportMeter>>();
  const count = answerCounters(metrics);
  const errors = errorCounter(metrics);
  const answered = (method: string, outcome: string, durationMs: number, errorCode?: unknown) => {
    if (errorCode !== undefined) errors(errorCode);
    if (!isCounted(method)) count(upstream(), method, outcome, durationMs);
  };
  return {
    meter(transport: string) {
      let meter = meters.get(transport);
      if (meter === undefined) {
        meters.set(transport, meter = transportMeter(metrics, transport, errors));
      }
      return meter;
    },
    answered,
    undelivered(method: string, reason: string) {
      log.warn("notification not delivered", { method: methodLabel(method), reason });
    },
    failed(what: string, reason: string) {
      log.warn("connection failed", { what, reason });
    },
  };
}

/** Reports of several servers behind one endpoint. */
export function aggregateEvents(metrics: GatewayMetrics, registry: Registry, log: Logger) {
  const count = answerCounters(metrics);
  const failures = registry.counter({
    name: "sluice_member_failures_total",
    help: "Servers behind an endpoint of several that could not be asked or told something.",
    labels: ["upstream"],
  });
  return {
    routed(upstream = NO_UPSTREAM, method: string, outcome: string, durationMs: number) {
      count(upstream, method, outcome, durationMs);
    },
    memberFailed(upstream: string, what: string, reason: string) {
      failures.with({ upstream }).inc();
      log.warn("server cannot be asked", { upstream, what, reason });
    },
  };
}

/** Label of calls that are for no server. */
const NO_UPSTREAM = "none";

/** Reports of the links to one upstream. */
export function linkEvents(
  metrics: GatewayMetrics,
  log: Logger,
  upstream: string,
  report: SecurityEvents,
) {
  const late = metrics.lateAnswers.with({ upstream });
  const bad = metrics.badMessages.with({ transport: "upstream" });
  return {
    lateAnswer: () => late.inc(),
    badMessage(problem: GatewayError) {
      bad.inc();
      report({ type: "protocol_violation", upstream, detail: problem.message });
      log.warn("upstream sent what is no message", { upstream, reason: problem.message });
    },
  };
}

/** Reports of the endpoints of one upstream. */
export function failoverEvents(metrics: GatewayMetrics, log: Logger, upstream: string) {
  const failovers = metrics.failovers.with({ group: upstream });
  const attempts = (outcome: string) =>
    metrics.failoverAttempts.with({ group: upstream, outcome }).inc();
  for (const outcome of ["ok", "failed"]) {
    metrics.failoverAttempts.with({ group: upstream, outcome });
  }
  const resent = (method: string, why: string) =>
    metrics.resent.with({ method: methodLabel(method), upstream, why }).inc();
  return {
    /** For one circuit; its state shows from the beginning. */
    circuit(series: string) {
      const gauge = metrics.circuitState.with({ upstream: series });
      gauge.set(CIRCUIT_VALUES.closed);
      return (state: CircuitState) => {
        gauge.set(CIRCUIT_VALUES[state]);
        metrics.circuitTransitions.with({ upstream: series, state }).inc();
        log[state === "open" ? "warn" : "info"]("circuit", { upstream: series, state });
      };
    },
    switched(from: string, to: string, why: string) {
      failovers.inc();
      if (why === "lost") attempts("ok");
      log.warn("upstream moved to another endpoint", { upstream, from, to, why });
    },
    stranded: () => attempts("failed"),
    unreachable(endpoint: string, reason: string) {
      log.info("endpoint cannot be reached", { upstream, endpoint, reason });
    },
    /** The same, and the series of the health of all endpoints. */
    withHealth(endpoints: readonly { readonly health: Health }[]) {
      const tell = () => {
        for (const [index, { health }] of endpoints.entries()) {
          const series = `${upstream}#${index + 1}`;
          metrics.endpointHealth.with({ upstream: series }).set(HEALTH_VALUES[health]);
        }
      };
      tell();
      return {
        healthChanged(endpoint: string, health: Health, reason?: string) {
          tell();
          const recommendation = RECOMMENDATIONS[health];
          log[health === "unhealthy" ? "warn" : "info"]("endpoint health", {
            ...{ upstream, endpoint, health, ...reason && { reason } },
            ...recommendation && { recommendation },
          });
        },
      };
    },
    retried: (method: string) => resent(method, "lost"),
    hedged: (method: string) => resent(method, "slow"),
  };
}

const HEALTH_VALUES: Readonly<Record<Health, number>> = {
  unknown: 0,
  healthy: 0,
  degraded: 1,
  unhealthy: 2,
};

/** What whoever reads the log may do. */
const RECOMMENDATIONS: Readonly<Partial<Record<Health, string>>> = {
  degraded: "look at the server's log; calls still go there while no other endpoint is better",
  unhealthy: "restart the server or take it out of the configuration; calls go elsewhere meanwhile",
};

const CIRCUIT_VALUES: Readonly<Record<CircuitState, number>> = { closed: 0, halfOpen: 1, open: 2 };

/** Counts errors by code; the series of a code is looked up once. */
function errorCounter({ errors }: GatewayMetrics): (code: unknown) => void {
  const series = new Map<string, { inc(): void }>();
  return (given) => {
    const code = errorLabel(given);
    let one = series.get(code);
    if (one === undefined) series.set(code, one = errors.with({ code }));
    one.inc();
  };
}

function transportMeter(
  metrics: GatewayMetrics,
  transport: string,
  errors: (code: unknown) => void,
) {
  const messages = (direction: string) => metrics.messages.with({ transport, direction });
  const bytes = (direction: string) =>
    metrics.bytes.with({ transport, direction, stage: "message" });
  const [messagesIn, messagesOut] = [messages("in"), messages("out")];
  const [bytesIn, bytesOut] = [bytes("in"), bytes("out")];
  const open = metrics.connections.with({ transport });
  const bad = metrics.badMessages.with({ transport });
  return {
    received(batch: Batch) {
      messagesIn.inc(batch.length);
      for (const message of batch) bytesIn.inc(message.bytes.length);
    },
    sent(message: Message) {
      messagesOut.inc();
      bytesOut.inc(message.bytes.length);
    },
    badMessage(problem: GatewayError) {
      bad.inc();
      errors(problem.code);
    },
    connections: (change: 1 | -1) => open.inc(change),
  };
}

/** Counts answers of any number of upstreams. */
function answerCounters(metrics: GatewayMetrics) {
  const counters = new Map<string, ReturnType<typeof answerCounter>>();
  return (upstream: string, method: string, outcome: string, durationMs: number) => {
    let count = counters.get(upstream);
    if (count === undefined) counters.set(upstream, count = answerCounter(metrics, upstream));
    count(method, outcome, durationMs);
  };
}

/** The series of one method. */
interface MethodSeries {
  readonly duration: { observe(seconds: number): void };
  readonly outcomes: Map<string, { inc(): void }>;
}

/** Counts answers; the series of a method are looked up once. */
function answerCounter(metrics: GatewayMetrics, upstream: string) {
  const series = new Map<string, MethodSeries>();
  return (name: string, outcome: string, durationMs: number) => {
    const method = methodLabel(name);
    let known = series.get(method);
    if (known === undefined) {
      known = { duration: metrics.requestDuration.with({ method, upstream }), outcomes: new Map() };
      series.set(method, known);
    }
    known.duration.observe(durationMs / 1000);
    let total = known.outcomes.get(outcome);
    if (total === undefined) {
      total = metrics.requests.with({ method, upstream, outcome });
      known.outcomes.set(outcome, total);
    }
    total.inc();
  };
}
