/**
 * What an authorization server says of a principal, in a token or in an answer about one.
 *
 * Source: RFC 9068, 2.2 (JWT access tokens); RFC 7662, 2.2 (introspection).
 *
 * @module
 */
import type { Identity, Proof } from "../core/identity.ts";
import { CredentialRefused } from "./refusals.ts";

/** Claims by name. */
export type Claims = Readonly<Record<string, unknown>>;

/** What the configuration adds to what is claimed. */
export interface Grants {
  /** Roles of everybody who is known in this way. */
  readonly roles: readonly string[];
  /** Claim that holds roles, its names joined by dots; nothing where it is left out. */
  readonly rolesClaim?: string;
  readonly tier?: string;
}

const TEXT_LENGTH_MAX = 256;
const LIST_LENGTH_MAX = 1000;
const VISIBLE = /^[^\p{C}]+$/u;

/**
 * The principal that claims are about.
 *
 * @param issuer whose word it is
 * @param leewayMs clocks may differ by so much, ms
 * @throws {CredentialRefused} when they name nobody
 */
export function identityFrom(
  claims: Claims,
  proof: Proof,
  issuer: string,
  grants: Grants,
  leewayMs: number,
): Identity {
  const subject = [claims.sub, claims.client_id, claims.azp].find(isName);
  if (subject === undefined) throw new CredentialRefused("the token names no subject");
  const { roles, rolesClaim, tier } = grants;
  const claimed = rolesClaim === undefined ? undefined : claimAt(claims, rolesClaim);
  const { exp } = claims;
  return {
    proof,
    principal: `${issuer} ${subject}`,
    name: [claims.preferred_username, claims.username, subject].find(isName)!,
    scopes: new Set([...words(claims.scope), ...words(claims.scp)]),
    roles: new Set([...roles, ...words(claimed)]),
    ...(tier !== undefined && { tier }),
    ...(typeof exp === "number" && { expiresAtMs: exp * 1000 + leewayMs }),
  };
}

/** Texts separated by spaces, or a list of texts. */
export function words(value: unknown): string[] {
  const list = typeof value === "string" ? value.split(" ") : value;
  if (!Array.isArray(list)) return [];
  return list.filter(isName).slice(0, LIST_LENGTH_MAX);
}

function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Claims)[key];
  }
  return value;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX && VISIBLE.test(value);
}
