/**
 * Tokens that prove themselves: JWTs, signed by issuers that the configuration names.
 *
 * Source: RFC 7519, RFC 8725 (best practices), RFC 9068.
 *
 * @module
 */
import { decodeJwt, errors, jwtVerify } from "jose";
import { GatewayError } from "../core/errors.ts";
import { type Grants, identityFrom } from "./claims.ts";
import type { FetchBytes } from "./fetch_bytes.ts";
import type { Proved } from "./identity_cache.ts";
import { Jwks } from "./jwks.ts";
import { fetchOnBehalfOf, locateKeys } from "./jwks_location.ts";
import { CredentialRefused } from "./refusals.ts";
import type { Revocations } from "./revocations.ts";

/** One issuer. */
export interface IssuerOptions extends Grants {
  /** The claim `iss`, to the letter. */
  readonly issuer: string;
  /** Where its public keys are; where it is left out, the issuer's metadata say so. */
  readonly jwksUrl?: string;
  /** Signatures that count; asymmetric ones only. */
  readonly algorithms: readonly string[];
}

/** What tokens are held against. */
export interface JwtOptions {
  readonly issuers: readonly IssuerOptions[];
  /** Tokens must be for one of these. */
  readonly audiences: readonly string[];
  readonly clockSkewMs: number;
  /** Known keys are good for so long while an issuer cannot be reached, ms. */
  readonly staleMs: number;
  /** Tokens that were called back; with a list every token needs an id. */
  readonly revocations?: Pick<Revocations, "ready" | "has">;
  /** Told when an issuer has other keys than before. */
  readonly onKeysChanged?: () => void;
  readonly onKeysFailed?: (issuer: string, reason: string) => void;
  readonly fetchBytes?: FetchBytes;
  readonly nowMs?: () => number;
}

interface Issuer {
  readonly options: IssuerOptions;
  readonly jwks: Jwks;
}

/** Three parts of base64url, the header an object. */
const COMPACT = /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/** Whether a credential has the form of a signed JWT. */
export function looksLikeJwt(secret: string): boolean {
  return COMPACT.test(secret);
}

/** Judges JWTs. Dispose it to end what it has under way. */
export class JwtVerifier implements Disposable {
  readonly #options: JwtOptions;
  readonly #issuers: ReadonlyMap<string, Issuer>;

  constructor(options: JwtOptions) {
    this.#options = options;
    const { staleMs, onKeysChanged, nowMs } = options;
    this.#issuers = new Map(options.issuers.map((one) => {
      const jwks = new Jwks({
        ...placeOfKeys(one, options.fetchBytes),
        ...{ staleMs, nowMs, onChanged: onKeysChanged },
        onFailed: (reason) => options.onKeysFailed?.(one.issuer, reason),
      });
      return [one.issuer, { options: one, jwks }];
    }));
  }

  /** Whether a token says that it is from one of the issuers; nothing of it is proved yet. */
  knows(token: string): boolean {
    return this.#issuerOf(token) !== undefined;
  }

  /**
   * What a token proves.
   *
   * @throws {CredentialRefused} nothing
   * @throws {GatewayError} Overloaded when that cannot be told now
   */
  async verify(token: string): Promise<Proved> {
    const issuer = this.#issuerOf(token);
    if (issuer === undefined) throw new CredentialRefused("the token is from no known issuer");
    const { clockSkewMs, revocations } = this.#options;
    await revocations?.ready();
    const { payload } = await this.#verified(token, issuer);
    const { jti } = payload;
    if (jti !== undefined && revocations?.has(jti)) {
      throw new CredentialRefused("the token was revoked");
    }
    return {
      identity: identityFrom(payload, "jwt", issuer.options.issuer, issuer.options, clockSkewMs),
      ...(jti !== undefined && { tokenId: jti }),
    };
  }

  /** Whether a token that was good is so no more. */
  isRevoked(tokenId: string | undefined): boolean {
    return tokenId !== undefined && this.#options.revocations?.has(tokenId) === true;
  }

  [Symbol.dispose](): void {
    for (const { jwks } of this.#issuers.values()) jwks[Symbol.dispose]();
  }

  async #verified(token: string, { options, jwks }: Issuer) {
    const { audiences, clockSkewMs, revocations } = this.#options;
    try {
      return await jwtVerify(token, jwks.keyFor, {
        algorithms: [...options.algorithms],
        issuer: options.issuer,
        audience: [...audiences],
        clockTolerance: clockSkewMs / 1000,
        requiredClaims: revocations === undefined ? ["exp"] : ["exp", "jti"],
      });
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw new CredentialRefused(problemOf(error), { cause: error });
    }
  }

  #issuerOf(token: string): Issuer | undefined {
    try {
      const { iss } = decodeJwt(token);
      return typeof iss === "string" ? this.#issuers.get(iss) : undefined;
    } catch {
      return undefined; // no claims in it
    }
  }
}

function placeOfKeys({ issuer, jwksUrl }: IssuerOptions, given: FetchBytes | undefined) {
  if (jwksUrl !== undefined) return { url: new URL(jwksUrl), fetchBytes: given };
  const fetchBytes = given ?? fetchOnBehalfOf(issuer);
  return { url: (signal: AbortSignal) => locateKeys(issuer, fetchBytes, signal), fetchBytes };
}

/** What a client may know of why its token is refused: nothing that would help to forge one. */
function problemOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return "the token is for another audience";
    if (error.claim === "nbf") return "the token is not valid yet";
    return `the claim ${error.claim} of the token is missing or wrong`;
  }
  return "the token is not valid";
}
