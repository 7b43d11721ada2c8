/**
 * Proves to one server over HTTP who asks: holds the token, and gets another when that one ends, is refused, or
 * does not reach far enough.
 *
 * @module
 */
import type { UpstreamAuth } from "../../config/oauth_schema.ts";
import type { AuthorizationRefusal, Authorizer, ProofHeaders } from "../../core/connection.ts";
import { GatewayError } from "../../core/errors.ts";
import { type BearerChallenge, bearerChallenge } from "./challenge.ts";
import { covers, isAlive, isFresh } from "./freshness.ts";
import { AuthorizationProblem } from "./problem.ts";
import type { RenewalNeed, RenewalParts } from "./renewal.ts";
import { canonicalUri, httpUrl } from "./resource.ts";
import { type KeptGrant, TokenFile } from "./token_file.ts";

/** What an authorizer is made with. */
export interface UpstreamAuthorizerOptions {
  /** Name of the server, for people. */
  readonly name: string;
  /** Its address; of any scheme that speaks HTTP. */
  readonly url: URL;
  readonly auth: UpstreamAuth;
  /** Where tokens are kept; `undefined` where there is no home for them. */
  readonly folder: string | undefined;
  /** Told the address at which a person logs in. */
  readonly announce: (url: URL) => void;
  readonly warn: (text: string) => void;
}

/** A person is bothered so often within so many ms, at most. */
const LOGINS_MAX = 4;
const LOGINS_MS = 600_000;
/** A token that could not be renewed ahead is left alone for so long, ms. */
const AHEAD_PAUSE_MS = 10_000;
/** Requests refused together: after so many renewals of others each gives up. */
const JOINS_MAX = 4;

const NOTHING: ProofHeaders = {};
const NO_CHALLENGE: BearerChallenge = { scopes: [] };

/** See the module. Dispose it to break a login off. */
export class UpstreamAuthorizer implements Authorizer, Disposable {
  readonly #name: string;
  readonly #parts: RenewalParts;
  readonly #warn: (text: string) => void;
  readonly #end = new AbortController();
  #grant: KeptGrant | undefined;
  #headers: ProofHeaders = NOTHING;
  #renewing: Promise<KeptGrant> | undefined;
  #aheadAfterMs = 0;
  #loginsMs: number[] = [];

  constructor({ name, url, auth, folder, announce, warn }: UpstreamAuthorizerOptions) {
    const upstream = httpUrl(url), resource = canonicalUri(upstream);
    const path = folder && TokenFile.pathIn(folder, resource, clientKeyOf(auth));
    this.#name = name;
    this.#warn = warn;
    this.#parts = {
      upstream,
      auth,
      caFile: url.searchParams.get("ca") ?? undefined,
      file: new TokenFile(path, warn),
      announce,
      admitLogin: () => this.#admitLogin(),
      signal: this.#end.signal,
    };
  }

  proof(): ProofHeaders | Promise<ProofHeaders> {
    if (this.#grant !== undefined && isFresh(this.#grant)) return this.#headers;
    return this.#found();
  }

  async renewed(
    { status, challenge: header, proof, attempt }: AuthorizationRefusal,
  ): Promise<ProofHeaders> {
    const challenge = bearerChallenge(header), token = tokenOf(proof);
    const need = { token, status, challenge, attempt };
    try {
      for (let join = 0; join < JOINS_MAX; join++) {
        if (this.#isBetter(need)) return this.#headers;
        const isOurs = this.#renewing === undefined;
        await this.#renew(need);
        if (isOurs) return this.#headers;
      }
      throw new AuthorizationProblem("others keep renewing the token");
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  [Symbol.dispose](): void {
    this.#end.abort(new AuthorizationProblem("the gateway stops"));
  }

  /** Whether there is a token by now that may be taken where the other was not. */
  #isBetter({ token, challenge }: RenewalNeed): boolean {
    const grant = this.#grant;
    return grant !== undefined && grant.accessToken !== token && isFresh(grant) &&
      covers(grant, challenge.scopes);
  }

  /** What other processes have got, or what can be had without a person. */
  async #found(): Promise<ProofHeaders> {
    const before = this.#grant;
    if (this.#renewing === undefined) {
      const { grant } = await this.#parts.file.read();
      if (grant !== undefined && !isFresh(grant)) {
        const renewing = this.#ahead(grant);
        if (!isAlive(grant)) await renewing; // else the old one still does meanwhile
      }
      if (grant !== undefined && isAlive(grant) && this.#grant === before) this.#adopt(grant);
    }
    return this.#grant !== undefined && isAlive(this.#grant) ? this.#headers : NOTHING;
  }

  async #ahead(grant: KeptGrant): Promise<void> {
    const canRenew = grant.refreshToken !== undefined || grant.by === "client_credentials";
    if (!canRenew || performance.now() < this.#aheadAfterMs) return;
    const token = grant.accessToken;
    try {
      await this.#renew({ token, status: 0, challenge: NO_CHALLENGE, attempt: 1 });
    } catch (error) { // the server will refuse the token when it has ended, and then it is looked at again
      this.#aheadAfterMs = performance.now() + AHEAD_PAUSE_MS;
      if (this.#end.signal.aborted) return;
      this.#warn(`Cannot renew the token of ${this.#name}: ${reasonOf(error)}`);
    }
  }

  /** One renewal at a time; whoever comes meanwhile waits for the same. */
  #renew(need: RenewalNeed): Promise<KeptGrant> {
    return this.#renewing ??= this.#renewOnce(need).finally(() => this.#renewing = undefined);
  }

  async #renewOnce(need: RenewalNeed): Promise<KeptGrant> {
    this.#end.signal.throwIfAborted();
    const { renew } = await import("./renewal.ts");
    const grant = await renew(this.#parts, need);
    this.#adopt(grant);
    return grant;
  }

  #adopt(grant: KeptGrant): void {
    this.#grant = grant;
    this.#headers = { authorization: `Bearer ${grant.accessToken}` };
  }

  #admitLogin(): void {
    const nowMs = performance.now();
    this.#loginsMs = this.#loginsMs.filter((atMs) => nowMs - atMs < LOGINS_MS);
    if (this.#loginsMs.push(nowMs) <= LOGINS_MAX) return;
    throw new AuthorizationProblem(
      `there were ${LOGINS_MAX} logins within ${LOGINS_MS / 60_000} minutes`,
    );
  }

  #refusal(error: unknown): GatewayError {
    const message = `Cannot authorize at ${this.#name}: ${reasonOf(error)}`;
    return new GatewayError("UpstreamUnavailable", message, { data: { outcome: "not_sent" } });
  }
}

/** What is not meant for others tells them nothing: it may hold a whole answer. */
function reasonOf(error: unknown): string {
  if (error instanceof AuthorizationProblem) return error.message;
  return error instanceof DOMException ? "it took too long" : "it failed";
}

function tokenOf({ authorization }: ProofHeaders): string | undefined {
  return authorization?.replace(/^Bearer /, "");
}

/** Tokens of one client must not be used in the name of another. */
function clientKeyOf({ type, clientId, clientMetadataUrl, issuer }: UpstreamAuth): string {
  return JSON.stringify([type, clientId, clientMetadataUrl, issuer]);
}
