/**
 * On whose account a request goes: what limits count.
 *
 * @module
 */
import { countedIp, ipOf, isLoopbackIp } from "./client_address.ts";
import type { Call } from "./handler.ts";
import type { Identity } from "./identity.ts";

/** Who has proved to have sent a call; `undefined` for nobody. */
export function identityOf({ message, request }: Pick<Call, "message" | "request">) {
  const identity = message.context?.identity ?? request.identity;
  return identity === undefined || identity.proof === "none" ? undefined : identity;
}

/** Whoever has an address. */
export interface Addressed {
  /** With or without port. */
  readonly address: string;
}

/**
 * The proved principal, else the client's address; `undefined` for nobody: stdio, unix sockets and, unless
 * they are counted, unproved clients of this machine.
 *
 * @param client whose address is only looked at where it is needed: over HTTP it has to be made
 */
export function accountOf(
  client: Addressed,
  identity: Identity | undefined,
  countsLoopback = false,
): string | undefined {
  if (identity !== undefined && identity.proof !== "none") {
    return principalAccount(identity.principal);
  }
  const ip = ipOf(client.address);
  return ip === undefined ? undefined : addressAccount(ip, countsLoopback);
}

/** The account of a principal. */
export function principalAccount(principal: string): string {
  return `principal ${principal}`;
}

/** The account of an IP address: the address itself, as no text has to be made for it. */
export function addressAccount(ip: string, countsLoopback = false): string | undefined {
  return isLoopbackIp(ip) && !countsLoopback ? undefined : countedIp(ip);
}
