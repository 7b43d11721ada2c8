/**
 * Whom something belongs to that a client is given and may bring back: a session, a request state.
 *
 * @module
 */
import type { RequestInfo } from "./connection.ts";

/** Who sent a request, as far as that is proven; the same text for the same client. */
export function ownerOf({ transport, tls, identity }: RequestInfo): string {
  const principal = identity?.principal ?? "";
  if (principal !== "") return `${transport} principal ${principal}`; // who may renew what proves it
  return `${transport} ${tls?.fingerprint256 ?? "anybody"}`;
}
