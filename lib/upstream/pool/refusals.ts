/**
 * What callers of a pool are told that cannot be served.
 *
 * @module
 */
import { GatewayError } from "../../core/errors.ts";

/** No member can be given a call, and why the last of them failed; over HTTP a 503 that says when to come back. */
export function unhealthy(upstream: string, reason: string, retryAfterMs: number): GatewayError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const why = `no member of the pool is well (${reason})`;
  return new GatewayError("NoHealthyUpstream", `Cannot reach upstream ${upstream}: ${why}`, {
    headers: { "retry-after": String(seconds) },
    data: { retryAfterSeconds: seconds },
  });
}

/** Every member has as much to do as it may, or the pool takes no calls any more. */
export function overloaded(upstream: string, reason: string): GatewayError {
  return new GatewayError("Overloaded", `Cannot call upstream ${upstream}: ${reason}`, {
    data: { outcome: "not_sent" },
  });
}

/** How long a failure says that a server is left alone, ms; 0 where it says nothing of that. */
export function retryAfterMsOf(error: unknown): number {
  if (!(error instanceof GatewayError) || error.failure !== "NoHealthyUpstream") return 0;
  const { retryAfterSeconds } = (error.data ?? {}) as { retryAfterSeconds?: number };
  return (retryAfterSeconds ?? 0) * 1000;
}
