/**
 * All that has passed since the start, in a few numbers, and what passed between two such moments.
 *
 * @module
 */
import type { GatewayMetrics } from "../gateway_metrics.ts";
import { ENDLESS_METHOD, isErrorOutcome, isServiceError, isUnavailable } from "./outcomes.ts";

/** Sums over all series, since the start or between two moments. */
export interface Totals {
  readonly atMs: number;
  readonly requests: number;
  /** Answered with an error of whatever kind. */
  readonly errors: number;
  /** Against the objective of errors. */
  readonly serviceErrors: number;
  /** Against the objective of availability. */
  readonly unavailable: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Durations per bucket, without streams that stay open. */
  readonly durations: Float64Array;
  /** Their sum, s. */
  readonly durationSumS: number;
  /** Event loop delays per bucket. */
  readonly loopDelays: Float64Array;
}

/** The metrics that totals are made of. */
export type TotalsSource = Pick<
  GatewayMetrics,
  "requests" | "requestDuration" | "messages" | "bytes" | "eventLoopDelay"
>;

/** Adds up. About 20 us with a hundred series. */
export function totalsOf(metrics: TotalsSource, atMs: number): Totals {
  const sums = { requests: 0, errors: 0, serviceErrors: 0, unavailable: 0 };
  for (const { labelValues: [, , outcome], value } of metrics.requests.children()) {
    sums.requests += value;
    if (isErrorOutcome(outcome)) sums.errors += value;
    if (isServiceError(outcome)) sums.serviceErrors += value;
    if (isUnavailable(outcome)) sums.unavailable += value;
  }
  const durations = new Float64Array(metrics.requestDuration.buckets.length + 1);
  let durationSumS = 0;
  for (const { labelValues: [method], counts, sum } of metrics.requestDuration.children()) {
    if (method === ENDLESS_METHOD) continue;
    for (let i = 0; i < counts.length; i++) durations[i] += counts[i];
    durationSumS += sum;
  }
  return {
    ...{ atMs, ...sums, durations, durationSumS },
    messagesIn: sumOf(metrics.messages.children(), "in"),
    messagesOut: sumOf(metrics.messages.children(), "out"),
    bytesIn: sumOf(metrics.bytes.children(), "in"),
    bytesOut: sumOf(metrics.bytes.children(), "out"),
    loopDelays: metrics.eventLoopDelay.counts.slice(),
  };
}

/** What passed from one moment to a later one; `atMs` is the time between them. */
export function between(from: Totals, to: Totals): Totals {
  const minus = (key: NumberKey) => to[key] - from[key];
  return {
    atMs: minus("atMs"),
    requests: minus("requests"),
    errors: minus("errors"),
    serviceErrors: minus("serviceErrors"),
    unavailable: minus("unavailable"),
    messagesIn: minus("messagesIn"),
    messagesOut: minus("messagesOut"),
    bytesIn: minus("bytesIn"),
    bytesOut: minus("bytesOut"),
    durations: to.durations.map((count, i) => count - from.durations[i]),
    durationSumS: minus("durationSumS"),
    loopDelays: to.loopDelays.map((count, i) => count - from.loopDelays[i]),
  };
}

type NumberKey = {
  [Key in keyof Totals]: Totals[Key] extends number ? Key : never;
}[keyof Totals];

/** Of messages before framing: what is counted on the wire, too, is the same bytes again. */
function sumOf(
  children: readonly { readonly labelValues: readonly string[]; readonly value: number }[],
  direction: string,
): number {
  let sum = 0;
  for (const { labelValues: [, of, stage = "message"], value } of children) {
    if (of === direction && stage === "message") sum += value;
  }
  return sum;
}
