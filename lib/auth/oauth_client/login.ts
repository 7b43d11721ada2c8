/**
 * A login of a person: authorization code with PKCE, by way of the browser.
 *
 * Source: OAuth 2.1, 4.1 and 7.5; RFC 8252; RFC 9207; MCP specification 2026-07-28, basic/authorization.
 *
 * @module
 */
import * as oauth from "oauth4webapi";
import type { UpstreamAuth } from "../../config/oauth_schema.ts";
import { openBrowser } from "./browser.ts";
import { Callback } from "./callback.ts";
import { configuredClientId, registerClient, registeredClient } from "./client.ts";
import { clientProof } from "./client_proof.ts";
import type { GuardedWeb } from "./guarded_web.ts";
import { asServer, type IssuerMetadata, requirePkce } from "./issuer.ts";
import { AuthorizationProblem } from "./problem.ts";
import { problemOf, redeemCode } from "./token_request.ts";
import type { Kept, KeptClient, KeptGrant } from "./token_file.ts";

/** What is asked for, and where. */
export interface LoginWish {
  readonly web: GuardedWeb;
  readonly auth: UpstreamAuth;
  readonly server: IssuerMetadata;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly kept: Kept;
  /** Told the address at which a person logs in. */
  readonly announce: (url: URL) => void;
  readonly signal: AbortSignal;
}

/** What a login brought. */
export interface LoginOutcome {
  readonly grant: KeptGrant;
  /** The client that registered itself, where one did. */
  readonly client: KeptClient | undefined;
}

interface Client {
  readonly id: string;
  readonly registered: KeptClient | undefined;
}

/**
 * Has a person log in.
 *
 * @throws {AuthorizationProblem} the person refuses, or the answer is not to be trusted
 * @throws the signal's reason
 */
export async function logIn(wish: LoginWish): Promise<LoginOutcome> {
  const { web, auth, server, resource, scopes, announce, signal } = wish;
  requirePkce(server);
  if (server.authorization_endpoint === undefined) {
    throw new AuthorizationProblem("the authorization server has no place to log in");
  }
  const page = new URL(server.authorization_endpoint);
  web.checkScheme(page);
  await using callback = await listen(wish);
  const { redirectUri } = callback;
  const client = await clientFor(wish, redirectUri);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const challenge = await oauth.calculatePKCECodeChallenge(verifier);
  const parameters: Record<string, string> = {
    response_type: "code",
    client_id: client.id,
    redirect_uri: redirectUri,
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
    resource,
    ...scopes.length > 0 && { scope: scopes.join(" ") },
    // Without it a server that knows OpenID leaves the refresh token out.
    ...scopes.includes("offline_access") && { prompt: "consent" },
  };
  for (const [name, value] of Object.entries(parameters)) page.searchParams.set(name, value);
  const answered = callback.answerTo(state, signal);
  announce(page);
  openBrowser(auth.browser, page);
  const checked = checkAnswer(server, client.id, await answered, state);
  const proof = await clientProof(auth, server, client.registered);
  const asker = { web, server, clientId: client.id, proof, resource, scopes };
  const grant = await redeemCode(asker, { parameters: checked, redirectUri, verifier });
  return { grant, client: client.registered };
}

/** Issuer before anything else: an answer of another server is not even shown. */
function checkAnswer(
  server: IssuerMetadata,
  clientId: string,
  answer: URLSearchParams,
  state: string,
): URLSearchParams {
  try {
    return oauth.validateAuthResponse(asServer(server), { client_id: clientId }, answer, state);
  } catch (error) {
    throw problemOf(error, "logging in");
  }
}

/** Listens where the client may be sent back to: a client that registered itself named its port. */
async function listen({ auth, kept, server }: LoginWish): Promise<Callback> {
  const { redirectHost, redirectPort } = auth;
  const before = configuredClientId(auth, server) === undefined
    ? registeredClient(kept, server.issuer)
    : undefined;
  const usual = before && Number(new URL(before.redirectUri).port);
  const callback = await Callback.listen(redirectHost, redirectPort || (usual ?? 0)) ??
    (redirectPort === 0 ? await Callback.listen(redirectHost, 0) : undefined);
  if (callback !== undefined) return callback;
  throw new AuthorizationProblem(`the port ${redirectPort} for the answer is taken`);
}

async function clientFor(
  { web, auth, server, kept }: LoginWish,
  redirectUri: string,
): Promise<Client> {
  const id = configuredClientId(auth, server);
  if (id !== undefined) return { id, registered: undefined };
  const before = registeredClient(kept, server.issuer);
  const registered = before?.redirectUri === redirectUri
    ? before
    : await registerClient(web, server, redirectUri);
  return { id: registered.clientId, registered };
}
