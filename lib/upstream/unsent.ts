/**
 * Failures of requests that the server cannot have seen: these may be sent again.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";

/** Whether a failure says that the request was not sent. */
export function isUnsent(error: unknown): boolean {
  return error instanceof GatewayError && outcomeOf(error.data) === "not_sent";
}

/** The same of an answer: transports over HTTP tell the failure of one request by an answer to it. */
export function isUnsentAnswer(answer: Message): boolean {
  return answer.isError && outcomeOf(answer.json().error.data) === "not_sent";
}

/** The failure of a connection or handshake, as what it is to a request that waited for it. */
export function unsent(error: unknown): unknown {
  if (!(error instanceof GatewayError) || isUnsent(error)) return error;
  if (isLeftAlone(error)) return error; // it says when to come back
  return new GatewayError("UpstreamUnavailable", error.message, { data: { outcome: "not_sent" } });
}

/** Whether nobody was even tried: every way to the server is left alone for a while. */
export function isLeftAlone(error: unknown): boolean {
  return error instanceof GatewayError && error.failure === "NoHealthyUpstream";
}

function outcomeOf(data: unknown): unknown {
  return (data as { outcome?: unknown } | null | undefined)?.outcome;
}

/** The error for a call whose server is not there (any more). */
export function unavailable(
  name: string,
  reason: string,
  outcome: "not_sent" | "unknown",
): GatewayError {
  return new GatewayError("UpstreamUnavailable", `Cannot reach upstream ${name}: ${reason}`, {
    data: { outcome },
  });
}

/** The error for a call that nobody waits for any more. */
export function cancelled(): GatewayError {
  return new GatewayError("InternalError", "Cannot answer: the request was cancelled");
}
