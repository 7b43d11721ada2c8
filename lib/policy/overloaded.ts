/**
 * The refusal of work that there is no room for.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";

/** The error for a call that was not sent; over HTTP a 503 that says when to come back. */
export function overloaded(why: string, retryAfterMs: number): GatewayError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new GatewayError("Overloaded", why, {
    headers: { "retry-after": String(seconds) },
    data: { outcome: "not_sent", retryAfterSeconds: seconds },
  });
}
