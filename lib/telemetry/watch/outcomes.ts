/**
 * What the outcomes of requests say about the service: the classes behind rates, anomalies and objectives.
 * `docs/operations/alerts.yml` uses the same.
 *
 * @module
 */
import type { Failure } from "../../core/errors.ts";

/** Nobody is to blame: an answer, a result with `isError`, or a client that did not want to wait. */
const GOOD: ReadonlySet<string> = new Set(["ok", "tool_error", "cancelled"]);

/** The server, or the gateway, was not there for the client. */
export const UNAVAILABLE_OUTCOMES: readonly Failure[] = [
  "UpstreamUnavailable",
  "UpstreamTimeout",
  "NoHealthyUpstream",
  "Overloaded",
  "QuorumNotReached",
  "InternalError",
];

/** The client got an error that it had not caused by what it may not do: that, and errors of servers. */
export const ERROR_OUTCOMES: readonly string[] = [
  ...UNAVAILABLE_OUTCOMES,
  "UpstreamProtocolError",
  "error",
];

const UNAVAILABLE: ReadonlySet<string> = new Set(UNAVAILABLE_OUTCOMES);
const ERRORS: ReadonlySet<string> = new Set(ERROR_OUTCOMES);

/** Whether a client was told an error, whoever has caused it. */
export function isErrorOutcome(outcome: string): boolean {
  return !GOOD.has(outcome);
}

/** Whether it counts against the objective of availability. */
export function isUnavailable(outcome: string): boolean {
  return UNAVAILABLE.has(outcome);
}

/** Whether it counts against the objective of errors. */
export function isServiceError(outcome: string): boolean {
  return ERRORS.has(outcome);
}

/** Streams that are open for as long as a client listens: no duration that anybody waits for. */
export const ENDLESS_METHOD = "subscriptions/listen";
