/**
 * Who a client has proved to be. Made by `lib/auth` before anything of a request is acted upon.
 *
 * @module
 */

/** How a client has proved who it is. */
export type Proof = "none" | "api_key" | "jwt" | "opaque" | "mtls";

/** A principal. Sessions, rate limits and cached answers belong to it; no part of it ever becomes a label. */
export interface Identity {
  readonly proof: Proof;
  /** Unique among all principals, whatever proved them: issuer and subject, or the name of a key. */
  readonly principal: string;
  /** For people who read the audit log. */
  readonly name: string;
  /** What it was granted, as scopes of OAuth are written. */
  readonly scopes: ReadonlySet<string>;
  /** Roles of the configuration. */
  readonly roles: ReadonlySet<string>;
  /** Rate limits that apply to it; the configuration names tiers. */
  readonly tier?: string;
  /** From then on it proves nothing any more, ms since 1970. */
  readonly expiresAtMs?: number;
}

/** Whoever has not proved anything. */
export const ANONYMOUS: Identity = {
  proof: "none",
  principal: "",
  name: "anonymous",
  scopes: new Set(),
  roles: new Set(),
};

/** Whether what has proved an identity proves nothing any more. */
export function hasExpired(identity: Identity | undefined): boolean {
  const expiresAtMs = identity?.expiresAtMs;
  return expiresAtMs !== undefined && expiresAtMs <= Date.now();
}
