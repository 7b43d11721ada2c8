/**
 * Finds out who a request is from: by key, token or certificate, whichever its listener takes.
 *
 * @module
 */
import type { Admit } from "../core/admission.ts";
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError, toGatewayError } from "../core/errors.ts";
import { ANONYMOUS, type Identity, type Proof } from "../core/identity.ts";
import type { SecurityEvents } from "../core/security_event.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { Certificates } from "./certificates.ts";
import { type Credential, credentialOf, digestOf } from "./credential.ts";
import { IdentityCache, type Proved } from "./identity_cache.ts";
import type { Introspection } from "./introspection.ts";
import { type JwtVerifier, looksLikeJwt } from "./jwt.ts";
import { CredentialRefused } from "./refusals.ts";
import type { Challenge, ResourceServer } from "./resource_server.ts";

/** What an authenticator asks. */
export interface AuthenticatorParts {
  readonly resource: ResourceServer;
  readonly keys?: ApiKeys;
  readonly jwt?: JwtVerifier;
  /** Servers to ask about other tokens, in this order. */
  readonly introspections?: readonly Introspection[];
  readonly certificates?: Certificates;
  /** What a server said of a token is believed for so long, ms. */
  readonly introspectionMs?: number;
  readonly report?: SecurityEvents;
  /** Told of every request that was judged. */
  readonly onJudged?: (proof: Proof, outcome: "admitted" | "refused" | "undecided") => void;
  readonly now?: () => number;
}

/** A signature is checked again after so long, ms: the key may have been withdrawn. */
const JWT_KEPT_MS = 300_000;
const INTROSPECTION_KEPT_MS = 30_000;

/** Makes the check of each listener; what it has learnt serves all of them. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #now: () => number;
  readonly #cache = new IdentityCache();
  #keys: ApiKeys | undefined;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#keys = parts.keys;
    this.#now = parts.now ?? Date.now;
  }

  /** Takes other keys from now on. */
  exchangeKeys(keys: ApiKeys): void {
    this.#keys = keys;
  }

  /** Forgets what tokens have proved: the keys behind them have changed. */
  forget(): void {
    this.#cache.clear();
  }

  /**
   * The check of one listener.
   *
   * @param proofs what it takes; with `none` whoever shows nothing is anonymous, but what is shown must be good
   */
  admission(proofs: ReadonlySet<Proof>): Admit {
    return (request) => {
      const shown = credentialOf(request);
      if (shown === "nothing") return this.#withoutCredential(request, proofs);
      if (shown === "several") {
        throw this.#refused(request, "none", "several credentials", {
          status: 400,
          error: "invalid_request",
          description: "more than one credential was sent",
        });
      }
      if (shown === "malformed") throw this.#invalid(request, "none", "it is malformed");
      return this.#withCredential(request, shown, proofs);
    };
  }

  #withoutCredential(request: RequestInfo, proofs: ReadonlySet<Proof>): Identity {
    const { certificates } = this.#parts;
    if (proofs.has("mtls") && request.tls !== undefined && certificates !== undefined) {
      const identity = certificates.identify(request.tls);
      if (identity === undefined) {
        throw this.#refused(request, "mtls", "the certificate is nobody's", { status: 401 });
      }
      return this.#admitted(identity);
    }
    if (proofs.has("none")) return ANONYMOUS;
    this.#parts.onJudged?.("none", "refused"); // no event: clients ask once to learn what they need
    throw this.#refusal(request, "no credential", { status: 401 });
  }

  #withCredential(
    request: RequestInfo,
    credential: Credential,
    proofs: ReadonlySet<Proof>,
  ): Identity | Promise<Identity> {
    const digest = digestOf(credential.secret);
    const isBearer = credential.scheme === "bearer";
    if (isBearer) {
      const proved = this.#cache.find(digest, this.#now());
      if (proved !== undefined && proofs.has(proved.identity.proof)) {
        if (!this.#parts.jwt?.isRevoked(proved.tokenId)) return this.#admitted(proved.identity);
        throw this.#invalid(request, "jwt", "the token was revoked");
      }
    }
    const client = proofs.has("api_key") ? this.#keys?.identify(digest) : undefined;
    if (client !== undefined) return this.#admitted(client);
    if (!isBearer) throw this.#invalid(request, "api_key", "the key is nobody's");
    return this.#judged(request, credential.secret, digest, proofs);
  }

  async #judged(
    request: RequestInfo,
    token: string,
    digest: string,
    proofs: ReadonlySet<Proof>,
  ): Promise<Identity> {
    const { jwt, introspections = [] } = this.#parts;
    const mayAsk = proofs.has("opaque") && introspections.length > 0;
    const isJwt = proofs.has("jwt") && jwt !== undefined && looksLikeJwt(token) &&
      (!mayAsk || jwt.knows(token));
    const proof: Proof = isJwt ? "jwt" : mayAsk ? "opaque" : "api_key";
    try {
      if (isJwt) return this.#kept(digest, await jwt.verify(token), JWT_KEPT_MS);
      if (mayAsk) return await this.#introspected(token, digest, introspections);
    } catch (error) {
      if (!(error instanceof CredentialRefused)) throw this.#undecided(proof, error);
      throw this.#invalid(request, proof, error.message);
    }
    throw this.#invalid(request, proof, "it is no token of a known kind");
  }

  /** The first server that knows the token; when none does, what the first that could be asked said. */
  async #introspected(
    token: string,
    digest: string,
    introspections: readonly Introspection[],
  ): Promise<Identity> {
    let undecided: unknown, refusal: CredentialRefused | undefined;
    for (const introspection of introspections) {
      try {
        const { introspectionMs = INTROSPECTION_KEPT_MS } = this.#parts;
        return this.#kept(digest, await introspection.verify(token, digest), introspectionMs);
      } catch (error) {
        if (error instanceof CredentialRefused) refusal ??= error;
        else undecided ??= error;
      }
    }
    throw undecided ?? refusal; // whoever could not be asked might know it
  }

  #kept(digest: string, proved: Proved, keptMs: number): Identity {
    this.#cache.keep(digest, proved, this.#now() + keptMs);
    return this.#admitted(proved.identity);
  }

  #admitted(identity: Identity): Identity {
    this.#parts.onJudged?.(identity.proof, "admitted");
    return identity;
  }

  #undecided(proof: Proof, error: unknown): GatewayError {
    this.#parts.onJudged?.(proof, "undecided");
    return toGatewayError(error);
  }

  #invalid(request: RequestInfo, proof: Proof, why: string): GatewayError {
    const description = why.replace(/^it /, "the token ");
    return this.#refused(request, proof, why, {
      ...{ status: 401, error: "invalid_token", description },
    });
  }

  #refused(
    request: RequestInfo,
    proof: Proof,
    why: string,
    challenge: Challenge & { readonly status: number },
  ): GatewayError {
    this.#parts.onJudged?.(proof, "refused");
    this.#parts.report?.({ type: "authentication_failed", address: request.address, detail: why });
    return this.#refusal(request, why, challenge);
  }

  #refusal(
    request: RequestInfo,
    why: string,
    { status, ...challenge }: Challenge & { readonly status: number },
  ): GatewayError {
    return new GatewayError("PolicyDenied", `Cannot accept request: ${why}`, {
      status,
      headers: this.#parts.resource.challenge(request, challenge),
    });
  }
}
