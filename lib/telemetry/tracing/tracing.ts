/**
 * Traces and metrics for a collector: everything that a gateway needs to be traced.
 *
 * An own recorder, because two spans of the OpenTelemetry SDK cost 13 us when they are recorded and 1.3 us when they
 * are not (3.1.1, Deno 2.9.6, export included): see docs/tracing.md.
 *
 * @module
 */
import type { Connection } from "../../core/connection.ts";
import type { Policy } from "../../core/handler.ts";
import type { Logger } from "../logger.ts";
import type { Registry } from "../metrics.ts";
import { clientSpans } from "./client_spans.ts";
import { MetricExport } from "./metric_export.ts";
import type { OtlpTarget, Sent } from "./otlp_client.ts";
import type { Resource } from "./otlp_json.ts";
import { Sampler, type SamplerOptions } from "./sampler.ts";
import { withSendSpans } from "./send_spans.ts";
import { serverSpans } from "./server_spans.ts";
import type { Attribute } from "./span.ts";
import { written } from "./span_attributes.ts";
import { SpanExport } from "./span_export.ts";

/** What is traced, and where it goes. */
export interface TracingOptions extends SamplerOptions {
  /** Absent where no spans are wanted. */
  readonly traces: OtlpTarget | undefined;
  /** Absent where no metrics are wanted. */
  readonly metrics: OtlpTarget | undefined;
  readonly resource: Resource;
  readonly spansMax: number;
  readonly batchSpans: number;
  readonly batchMs: number;
  readonly metricsMs: number;
  /** How long the end waits for the collector, ms. */
  readonly flushMs: number;
}

/** What the parts of a gateway are given. Dispose it at the end. */
export interface Tracing extends AsyncDisposable {
  /** Around everything. */
  readonly server: readonly Policy[];
  /**
   * Around each attempt at one server.
   *
   * @param attributes what spans say of it
   * @param isHttp whether requests to it have headers
   */
  client(attributes: readonly Attribute[], isHttp: boolean): readonly Policy[];
  /** What a connection to a server sends. */
  sending(connection: Connection, compression: string): Connection;
  /** Sends what waits; gives up when the signal aborts, or after the time that is configured. */
  flush(signal: AbortSignal): Promise<void>;
}

/** Spans that end after the drain have so long to leave, ms. */
const LAST_SPANS_MS = 500;

/** Starts it. */
export function startTracing(options: TracingOptions, registry: Registry, log: Logger): Tracing {
  const { traces, metrics, resource, flushMs } = options;
  const dropped = registry.counter({
    name: "sluice_trace_spans_dropped_total",
    help:
      "Spans that were not exported: the queue was full, the collector refused, or the end came.",
    labels: ["reason"],
  });
  const exports = registry.counter({
    name: "sluice_otlp_exports_total",
    help: "Requests to the collector by outcome: taken, refused, or later (to be sent again).",
    labels: ["signal", "outcome"],
  });
  const told = (signal: string) => {
    const tell = outageTeller(log, signal);
    return (sent: Sent) => {
      exports.with({ signal, outcome: sent.outcome }).inc();
      tell(sent);
    };
  };
  const spans = traces && new SpanExport({
    ...options,
    target: traces,
    onDropped: (count, reason) => dropped.with({ reason }).inc(count),
    onSent: told("traces"),
  });
  const figures = metrics &&
    new MetricExport({
      target: metrics,
      resource,
      registry,
      everyMs: options.metricsMs,
      onSent: told("metrics"),
    });
  const sampler = new Sampler(options);
  return {
    server: spans === undefined ? [] : [serverSpans(sampler, spans.take)],
    client: (attributes, isHttp) =>
      spans === undefined ? [] : [
        clientSpans({ attributes: written(attributes), isHttp }, spans.take),
      ],
    sending: (connection, compression) =>
      spans === undefined ? connection : withSendSpans(connection, compression, spans.take),
    async flush(signal) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(flushMs)]);
      await Promise.all([spans?.flush(deadline), figures?.flush(deadline)]);
    },
    async [Symbol.asyncDispose]() {
      await spans?.flush(AbortSignal.timeout(LAST_SPANS_MS));
      spans?.[Symbol.dispose]();
      figures?.[Symbol.dispose]();
    },
  };
}

/** Tells of an outage once, and of its end. */
function outageTeller(log: Logger, signal: string): (sent: Sent) => void {
  let isOut = false;
  return (sent) => {
    if (sent.outcome === "taken") {
      if (isOut) log.info(`${signal} are exported again`);
      isOut = false;
      return;
    }
    if (!isOut) log.warn(`${signal} cannot be exported`, { reason: sent.reason });
    isOut = true;
  };
}
