/**
 * How good an endpoint is, as one number: what a dial prefers, and what connections migrate to.
 *
 * @module
 */

/** What calls over an endpoint have shown. */
export type Health = "unknown" | "healthy" | "degraded" | "unhealthy";

/** What is known of an endpoint. */
export interface Standing {
  readonly health: Health;
  /** Round trip of a health check, ms; `undefined` as long as nobody has measured it. */
  readonly latencyMs?: number;
  /** Messages that it can take, per second; `undefined` as long as nobody has measured it. */
  readonly messagesPerSecond?: number;
  /** 1 to 10, 10 is most wanted. */
  readonly priority: number;
}

/** Priority of an endpoint that has none beside others that have, 1 to 10. */
export const PRIORITY_DEFAULT = 5;
const PRIORITY_MAX = 10;

const WEIGHT = { health: 0.4, latency: 0.3, throughput: 0.2, priority: 0.1 };
const HEALTH_SCORE: Readonly<Record<Health, number>> = {
  healthy: 1,
  degraded: 0.5,
  unhealthy: 0,
  unknown: 0,
};
const UNMEASURED_SCORE = 0.5;
/** Slower than this is as bad as it gets, ms. */
const LATENCY_MS_MAX = 100;
/** Faster than this is as good as it gets. */
const MESSAGES_PER_SECOND_MAX = 10_000;
/** A less wanted endpoint has to be better by so much: noise must not move anybody. */
const MARGIN = 0.05;

/** The selection score, 0 to 1. */
export function selectionScore(standing: Standing): number {
  const { health, latencyMs, messagesPerSecond, priority } = standing;
  const latency = latencyMs === undefined
    ? UNMEASURED_SCORE
    : share(1 - latencyMs / LATENCY_MS_MAX);
  const throughput = messagesPerSecond === undefined
    ? UNMEASURED_SCORE
    : share(messagesPerSecond / MESSAGES_PER_SECOND_MAX);
  return WEIGHT.health * HEALTH_SCORE[health] + WEIGHT.latency * latency +
    WEIGHT.throughput * throughput + WEIGHT.priority * share(priority / PRIORITY_MAX);
}

/** Whether a candidate is worth leaving the current endpoint for. */
export function isBetter(candidate: Standing, current: Standing): boolean {
  const margin = candidate.priority > current.priority ? 0 : MARGIN;
  return selectionScore(candidate) > selectionScore(current) + margin;
}

/**
 * Priorities of endpoints in the order of a list: as given; where none is, from 10 down to 1, for the first is
 * the most wanted.
 */
export function prioritiesOf(given: readonly (number | undefined)[]): number[] {
  if (given.some((priority) => priority !== undefined)) {
    return given.map((priority) => priority ?? PRIORITY_DEFAULT);
  }
  const step = given.length > 1 ? (PRIORITY_MAX - 1) / (given.length - 1) : 0;
  return given.map((_, index) => PRIORITY_MAX - index * step);
}

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}
