/**
 * What a token is good for.
 *
 * @module
 */
import type { KeptGrant } from "./token_file.ts";

/** Renewed so long before it ends, ms; for short-lived ones a fifth of their life. */
const AHEAD_MS = 60_000;
const AHEAD_SHARE = 0.2;

/** Whether a token can be used for some time still. */
export function isFresh({ obtainedAtMs, expiresAtMs }: KeptGrant): boolean {
  if (expiresAtMs === undefined) return true;
  const aheadMs = Math.min(AHEAD_MS, (expiresAtMs - obtainedAtMs) * AHEAD_SHARE);
  return Date.now() < expiresAtMs - aheadMs;
}

/** Whether a token can be used at all. */
export function isAlive({ expiresAtMs = Infinity }: KeptGrant): boolean {
  return Date.now() < expiresAtMs;
}

/** Whether all of these scopes were asked for. */
export function covers(grant: KeptGrant, scopes: readonly string[]): boolean {
  return scopes.every((scope) => grant.scopes.includes(scope));
}
