/**
 * Getting another token: what a server's refusal asks for, found out and obtained. One process at a time does
 * it; the others wait, and find what it got.
 *
 * @module
 */
import type { UpstreamAuth } from "../../config/oauth_schema.ts";
import type { BearerChallenge } from "./challenge.ts";
import { configuredClientId, registeredClient } from "./client.ts";
import { clientProof } from "./client_proof.ts";
import { covers, isFresh } from "./freshness.ts";
import { GuardedWeb } from "./guarded_web.ts";
import { discoverIssuer, type IssuerMetadata } from "./issuer.ts";
import { logIn } from "./login.ts";
import { AuthorizationProblem, GrantRefused, shown } from "./problem.ts";
import { discoverResource } from "./resource.ts";
import type { Kept, KeptGrant, TokenFile } from "./token_file.ts";
import { askForOwn, refresh, type TokenAsker } from "./token_request.ts";

/** What stays the same for one server. */
export interface RenewalParts {
  readonly upstream: URL;
  readonly auth: UpstreamAuth;
  /** File with the authorities that are trusted besides those of the system. */
  readonly caFile: string | undefined;
  readonly file: TokenFile;
  readonly announce: (url: URL) => void;
  /** Asked before a person is bothered; throws when that has been too often. */
  readonly admitLogin: () => void;
  readonly signal: AbortSignal;
}

/** Why another token is wanted. */
export interface RenewalNeed {
  /** The token that was refused, or is about to end; `undefined` when there was none. */
  readonly token: string | undefined;
  /** 401 and 403 of an answer; 0 where the token is only about to end: then nobody is asked to log in. */
  readonly status: number;
  readonly challenge: BearerChallenge;
  readonly attempt: number;
}

/** Whoever finds that a login has just failed does not open the browser again, ms. */
const FAILED_LOGIN_MS = 30_000;
/** Over the time of a login that another process may be having, ms. */
const LOCK_MORE_MS = 30_000;
/** Nobody waits for a login just to renew a token ahead of its end, ms. */
const AHEAD_MS = 5_000;
const SCOPES_MAX = 200;

/**
 * Gets another token.
 *
 * @throws {AuthorizationProblem}
 * @throws the signal's reason
 */
export async function renew(parts: RenewalParts, need: RenewalNeed): Promise<KeptGrant> {
  const { file, auth } = parts;
  const waitMs = need.status === 0 ? AHEAD_MS : auth.loginMs + LOCK_MORE_MS;
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(waitMs)]);
  using _lock = await file.lock(signal);
  const kept = await file.read();
  const theirs = kept.grant;
  if (theirs !== undefined && theirs.accessToken !== need.token && isFresh(theirs)) {
    if (covers(theirs, need.challenge.scopes)) return theirs;
  }
  return await new Renewal(parts, need, kept, await caOf(parts)).run(signal);
}

async function caOf({ caFile }: RenewalParts): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  try {
    return await Deno.readTextFile(caFile);
  } catch {
    throw new AuthorizationProblem(`the file of authorities ${caFile} cannot be read`);
  }
}

/** One try, with the lock held. */
class Renewal {
  readonly #parts: RenewalParts;
  readonly #need: RenewalNeed;
  readonly #kept: Kept;
  readonly #web: GuardedWeb;

  constructor(parts: RenewalParts, need: RenewalNeed, kept: Kept, ca: string | undefined) {
    const { upstream, auth: { allowPrivateNetworks }, signal } = parts;
    this.#parts = parts;
    this.#need = need;
    this.#kept = kept;
    this.#web = new GuardedWeb({ upstream, allowPrivateNetworks, ca, signal });
  }

  async run(signal: AbortSignal): Promise<KeptGrant> {
    if (this.#need.status === 0) return await this.#ahead();
    this.#throwIfJustFailed();
    const { resource, issuers, scopes: supported } = await discoverResource(
      this.#web,
      this.#parts.upstream,
      this.#need.challenge,
    );
    const server = await discoverIssuer(this.#web, this.#chosen(issuers));
    const scopes = this.#scopes(server, supported);
    this.#throwIfInVain(server, scopes);
    if (this.#parts.auth.type === "client_credentials") {
      return await this.#own(server, resource, scopes);
    }
    return await this.#refreshed(server, resource) ??
      await this.#loggedIn(server, resource, scopes, signal);
  }

  /** Before it ends, with what is known already. */
  async #ahead(): Promise<KeptGrant> {
    const { server, resource, grant } = this.#kept;
    if (server === undefined || resource === undefined || grant === undefined) {
      throw new AuthorizationProblem("nothing is known to renew it with");
    }
    if (this.#parts.auth.type === "client_credentials") {
      return await this.#own(server, resource, grant.scopes);
    }
    const renewed = await this.#refreshed(server, resource);
    if (renewed === undefined) throw new AuthorizationProblem("it takes another login");
    return renewed;
  }

  /** The authorization server to use of those that the server names. */
  #chosen(issuers: readonly string[]): string {
    const { issuer } = this.#parts.auth;
    if (issuer === undefined || issuers.includes(issuer)) return issuer ?? issuers[0];
    throw new AuthorizationProblem(
      `the server does not name the configured issuer but ${shown(issuers.join(", "))}`,
    );
  }

  /** What it had, what the refusal names, and what is configured; never less than before. */
  #scopes(server: IssuerMetadata, supported: readonly string[] | undefined): string[] {
    const { auth: { scopes: configured, type } } = this.#parts;
    const { challenge: { scopes: challenged } } = this.#need;
    const before = this.#grantOf(server)?.scopes ?? [];
    const wanted = new Set([...before, ...configured, ...challenged]);
    if (wanted.size === 0) { for (const scope of supported ?? []) wanted.add(scope); }
    const isOffline = type === "oauth" && server.scopes_supported?.includes("offline_access");
    if (isOffline) wanted.add("offline_access");
    return [...wanted].slice(0, SCOPES_MAX);
  }

  /** What was refused although it was just given, or all was asked for that is wanted, will be refused again. */
  #throwIfInVain(server: IssuerMetadata, scopes: readonly string[]): void {
    const { token, status, attempt } = this.#need;
    const grant = this.#grantOf(server);
    if (grant === undefined || grant.accessToken !== token) return;
    if (status === 403 && covers(grant, scopes)) {
      throw new AuthorizationProblem("access is forbidden, whatever is asked for");
    }
    const isNew = grant.by !== "refresh" && attempt > 1 && isFresh(grant);
    if (status === 401 && isNew) {
      throw new AuthorizationProblem("the server refuses the token that was just given for it");
    }
  }

  #throwIfJustFailed(): void {
    const { failure } = this.#kept;
    if (failure === undefined) return;
    const agoMs = Date.now() - failure.atMs;
    if (agoMs >= 0 && agoMs < FAILED_LOGIN_MS) throw new AuthorizationProblem(failure.reason);
  }

  async #own(server: IssuerMetadata, resource: string, scopes: readonly string[]) {
    const { auth } = this.#parts;
    const proof = await clientProof(auth, server, undefined);
    const clientId = auth.clientId!;
    const grant = await askForOwn({ web: this.#web, server, clientId, proof, resource, scopes });
    await this.#parts.file.write({ ...this.#kept, server, resource, grant, failure: undefined });
    return grant;
  }

  /** By the refresh token, where there is one of this server and client and no more scopes are wanted. */
  async #refreshed(server: IssuerMetadata, resource: string): Promise<KeptGrant | undefined> {
    const grant = this.#grantOf(server);
    const { token, status, attempt } = this.#need;
    if (grant?.refreshToken === undefined || status === 403) return undefined;
    if (attempt > 1 && grant.by === "refresh" && grant.accessToken === token) return undefined;
    try {
      const renewed = await refresh(
        await this.#askerFor(server, resource, grant),
        grant.refreshToken,
      );
      await this.#parts.file.write({ ...this.#kept, server, resource, grant: renewed });
      return renewed;
    } catch (error) {
      if (!(error instanceof GrantRefused)) throw error;
      return undefined; // spent or revoked: a login it is
    }
  }

  async #askerFor(
    server: IssuerMetadata,
    resource: string,
    { clientId, scopes }: KeptGrant,
  ): Promise<TokenAsker> {
    const { auth } = this.#parts;
    const isConfigured = configuredClientId(auth, server) === clientId;
    const registered = isConfigured ? undefined : registeredClient(this.#kept, server.issuer);
    const proof = await clientProof(auth, server, registered);
    return { web: this.#web, server, clientId, proof, resource, scopes };
  }

  async #loggedIn(
    server: IssuerMetadata,
    resource: string,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<KeptGrant> {
    const { auth, announce, admitLogin, file } = this.#parts;
    admitLogin();
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(auth.loginMs)]);
    const kept = this.#kept;
    try {
      const { grant, client } = await logIn(
        { web: this.#web, auth, server, resource, scopes, kept, announce, signal: deadline },
      );
      const clients = client === undefined
        ? kept.clients
        : { ...kept.clients, [server.issuer]: client };
      await file.write({ format: kept.format, clients, server, resource, grant });
      return grant;
    } catch (error) {
      this.#parts.signal.throwIfAborted();
      const problem = error instanceof AuthorizationProblem
        ? error
        : new AuthorizationProblem(`nobody has logged in within ${auth.loginMs} ms`);
      // A client that the server does not know any more registers anew next time.
      const isUnknown = error instanceof GrantRefused && UNKNOWN_CLIENT.includes(error.code);
      const clients = isUnknown ? {} : kept.clients;
      const failure = { atMs: Date.now(), reason: problem.message };
      await file.write({ ...kept, clients, failure });
      throw problem;
    }
  }

  /** The grant, where it is of this server and of a client that is still ours. */
  #grantOf({ issuer }: IssuerMetadata): KeptGrant | undefined {
    const { grant } = this.#kept;
    if (grant?.issuer !== issuer) return undefined;
    const { clientId } = this.#parts.auth;
    return clientId === undefined || clientId === grant.clientId ? grant : undefined;
  }
}

const UNKNOWN_CLIENT: readonly string[] = ["invalid_client", "unauthorized_client"];
