/**
 * Tokens that say nothing by themselves: their authorization server is asked what they prove.
 *
 * Source: RFC 7662.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { SluiceError } from "../core/errors.ts";
import { type Claims, type Grants, identityFrom, words } from "./claims.ts";
import { type FetchBytes, fetchBytes } from "./fetch_bytes.ts";
import type { Proved } from "./identity_cache.ts";
import { cannotJudge, CredentialRefused } from "./refusals.ts";

/** Whom to ask, and how. */
export interface IntrospectionOptions extends Grants {
  readonly url: string;
  /** Whose word it is: before the subject in names of principals. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Tokens must be for one of these. */
  readonly audiences: readonly string[];
  /** Whether an answer that names no audience is taken for ours. */
  readonly audienceOptional: boolean;
  readonly clockSkewMs: number;
  readonly onFailed?: (reason: string) => void;
  readonly fetchBytes?: FetchBytes;
  readonly now?: () => number;
}

const ANSWER_BYTES_MAX = 64 * 1024;
/** Questions under way: whoever sends random tokens keeps so many sockets busy and no more. */
const ASKING_MAX = 64;
/** A token that proved nothing is not asked about again for so long, ms. */
const REFUSED_MS = 10_000;
/** Tokens of which that is remembered. */
const REFUSED_MAX = 10_000;

/** Asks about each token once at a time. */
export class Introspection {
  readonly #options: IntrospectionOptions;
  readonly #fetchBytes: FetchBytes;
  readonly #now: () => number;
  readonly #asking = new Map<string, Promise<Proved>>();
  /** Digest to the time until which it is refused unasked, ms since 1970. */
  readonly #refused = new Map<string, number>();

  constructor(options: IntrospectionOptions) {
    this.#options = options;
    this.#fetchBytes = options.fetchBytes ?? fetchBytes;
    this.#now = options.now ?? Date.now;
  }

  /**
   * What a token proves.
   *
   * @param digest of the token
   * @throws {CredentialRefused} nothing
   * @throws {GatewayError} Overloaded when the server cannot be asked now
   */
  async verify(token: string, digest: string): Promise<Proved> {
    if (this.#now() < (this.#refused.get(digest) ?? 0)) throw notActive();
    let asking = this.#asking.get(digest);
    if (asking === undefined) {
      if (this.#asking.size >= ASKING_MAX) throw cannotJudge("too many tokens are being judged");
      asking = this.#ask(token).finally(() => this.#asking.delete(digest));
      this.#asking.set(digest, asking);
    }
    try {
      return await asking;
    } catch (error) {
      if (error instanceof CredentialRefused) this.#refuse(digest);
      throw error;
    }
  }

  async #ask(token: string): Promise<Proved> {
    const { issuer, clockSkewMs } = this.#options;
    const claims = await this.#claims(token);
    if (claims.active !== true) throw notActive();
    const { exp, nbf, iss } = claims;
    const nowMs = this.#now();
    const isOver = typeof exp === "number" && exp * 1000 + clockSkewMs <= nowMs;
    const isEarly = typeof nbf === "number" && nbf * 1000 - clockSkewMs > nowMs;
    if (isOver || isEarly) throw notActive();
    if (iss !== undefined && iss !== issuer) {
      throw new CredentialRefused("the token is from no known issuer");
    }
    this.#checkAudience(claims);
    return { identity: identityFrom(claims, "opaque", issuer, this.#options, clockSkewMs) };
  }

  #checkAudience({ aud }: Claims): void {
    const { audiences, audienceOptional } = this.#options;
    if (aud === undefined && audienceOptional) return;
    const named = typeof aud === "string" ? [aud] : words(aud);
    if (named.some((one) => audiences.includes(one))) return;
    throw new CredentialRefused("the token is for another audience");
  }

  async #claims(token: string): Promise<Claims> {
    const { url, clientId, clientSecret, onFailed } = this.#options;
    const credentials = [clientId, clientSecret].map(formEncoded).join(":");
    try {
      const bytes = await this.#fetchBytes(new URL(url), {
        method: "POST",
        headers: {
          accept: "application/json",
          authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
          "content-type": "application/x-www-form-urlencoded",
        },
        body: new URLSearchParams({ token, token_type_hint: "access_token" }).toString(),
        bytesMax: ANSWER_BYTES_MAX,
      });
      return claimsOf(bytes);
    } catch (error) {
      onFailed?.(error instanceof SluiceError ? error.message : "the answer is no JSON");
      throw cannotJudge("the authorization server cannot be asked");
    }
  }

  #refuse(digest: string): void {
    this.#refused.delete(digest);
    if (this.#refused.size >= REFUSED_MAX) {
      this.#refused.delete(this.#refused.keys().next().value!);
    }
    this.#refused.set(digest, this.#now() + REFUSED_MS);
  }
}

function claimsOf(bytes: Uint8Array): Claims {
  const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof claims === "object" && claims !== null) return claims as Claims;
  throw new SluiceError("Cannot take claims: the answer is no object");
}

/** RFC 6749, 2.3.1: both halves are form-encoded before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

function notActive(): CredentialRefused {
  return new CredentialRefused("the token is not active");
}
