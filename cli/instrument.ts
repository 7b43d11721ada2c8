/**
 * Turns what the parts report into counters and log lines.
 *
 * @module
 */
import type { Batch } from "../lib/core/connection.ts";
import type { GatewayError } from "../lib/core/errors.ts";
import type { Message } from "../lib/core/message.ts";
import type { GatewayMetrics } from "../lib/telemetry/gateway_metrics.ts";
import type { Logger } from "../lib/telemetry/logger.ts";
import { methodLabel } from "../lib/telemetry/method_label.ts";

/** Reports of the gateway and the dispatcher. */
export function gatewayEvents(metrics: GatewayMetrics, log: Logger, upstream: string) {
  const meters = new Map<string, ReturnType<typeof transportMeter>>();
  const answered = answerCounter(metrics, upstream);
  return {
    meter(transport: string) {
      let meter = meters.get(transport);
      if (meter === undefined) meters.set(transport, meter = transportMeter(metrics, transport));
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

/** Reports of the links to one upstream. */
export function linkEvents(metrics: GatewayMetrics, log: Logger, upstream: string) {
  const late = metrics.lateAnswers.with({ upstream });
  const bad = metrics.badMessages.with({ transport: "upstream" });
  return {
    lateAnswer: () => late.inc(),
    badMessage(problem: GatewayError) {
      bad.inc();
      log.warn("upstream sent what is no message", { upstream, reason: problem.message });
    },
  };
}

function transportMeter(metrics: GatewayMetrics, transport: string) {
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
    badMessage: (_problem: GatewayError) => bad.inc(),
    connections: (change: 1 | -1) => open.inc(change),
  };
}

/** Counts answers; the series of a method are looked up once. */
function answerCounter(metrics: GatewayMetrics, upstream: string) {
  const durations = new Map<string, { observe(seconds: number): void }>();
  const outcomes = new Map<string, { inc(): void }>();
  return (name: string, outcome: string, durationMs: number) => {
    const method = methodLabel(name);
    let duration = durations.get(method);
    if (duration === undefined) {
      duration = metrics.requestDuration.with({ method, upstream });
      durations.set(method, duration);
    }
    duration.observe(durationMs / 1000);
    const key = `${method} ${outcome}`;
    let total = outcomes.get(key);
    if (total === undefined) {
      total = metrics.requests.with({ method, upstream, outcome });
      outcomes.set(key, total);
    }
    total.inc();
  };
}
