/**
 * Requests at a token endpoint.
 *
 * Source: OAuth 2.1 (draft-ietf-oauth-v2-1), 3.2 and 4; RFC 8707 for the parameter `resource`.
 *
 * @module
 */
import * as oauth from "oauth4webapi";
import type { GuardedWeb } from "./guarded_web.ts";
import { asServer, type IssuerMetadata } from "./issuer.ts";
import { AuthorizationProblem, codeShown, GrantRefused, shown } from "./problem.ts";
import type { KeptGrant } from "./token_file.ts";

/** Who asks, where, and what for. */
export interface TokenAsker {
  readonly web: GuardedWeb;
  readonly server: IssuerMetadata;
  readonly clientId: string;
  readonly proof: oauth.ClientAuth;
  readonly resource: string;
  readonly scopes: readonly string[];
}

/** A code that the browser brought, and what it belongs to. */
export interface BroughtCode {
  /** As `validateAuthResponse` gave them back. */
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly verifier: string;
}

/** A header takes no more; a token is one line of visible ASCII. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** Turns a code into a token. @throws {AuthorizationProblem} */
export async function redeemCode(asker: TokenAsker, code: BroughtCode): Promise<KeptGrant> {
  const { server, client, options } = callOf(asker);
  return await granted(asker, "login", undefined, async () => {
    const { parameters, redirectUri, verifier } = code;
    return await oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        asker.proof,
        parameters,
        redirectUri,
        verifier,
        options,
      ),
    );
  });
}

/**
 * Turns a refresh token into a token. The refresh token may have been exchanged for another.
 *
 * @throws {GrantRefused} it is worth nothing any more
 * @throws {AuthorizationProblem} the server could not be asked
 */
export async function refresh(asker: TokenAsker, refreshToken: string): Promise<KeptGrant> {
  const { server, client, options } = callOf(asker);
  return await granted(
    asker,
    "refresh",
    refreshToken,
    async () =>
      await oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, asker.proof, refreshToken, options),
      ),
  );
}

/** Asks for a token of the gateway's own. @throws {AuthorizationProblem} */
export async function askForOwn(asker: TokenAsker): Promise<KeptGrant> {
  const { server, client, options: { additionalParameters, ...options } } = callOf(asker);
  const parameters = new URLSearchParams(additionalParameters);
  if (asker.scopes.length > 0) parameters.set("scope", asker.scopes.join(" "));
  return await granted(
    asker,
    "client_credentials",
    undefined,
    async () =>
      await oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(server, client, asker.proof, parameters, options),
      ),
  );
}

function callOf({ server, clientId, web, resource }: TokenAsker) {
  return {
    server: asServer(server),
    client: { client_id: clientId } satisfies oauth.Client,
    options: {
      additionalParameters: { resource },
      [oauth.customFetch]: web.fetch,
      [oauth.allowInsecureRequests]: true, // the guarded web says where that is
    },
  };
}

async function granted(
  { server, clientId, scopes }: TokenAsker,
  by: KeptGrant["by"],
  refreshToken: string | undefined,
  ask: () => Promise<oauth.TokenEndpointResponse>,
): Promise<KeptGrant> {
  const obtainedAtMs = Date.now();
  let answer: oauth.TokenEndpointResponse;
  try {
    answer = await ask();
  } catch (error) {
    throw problemOf(error, "asking for a token");
  }
  const { token_type: type, access_token: accessToken, expires_in: lifetimeS } = answer;
  if (type !== "bearer" || !TOKEN.test(accessToken)) {
    throw new AuthorizationProblem("the authorization server gave no bearer token");
  }
  const next = answer.refresh_token ?? refreshToken;
  return {
    issuer: server.issuer,
    clientId,
    accessToken,
    ...next !== undefined && { refreshToken: next },
    scopes: [...scopes],
    by,
    obtainedAtMs,
    ...lifetimeS !== undefined && { expiresAtMs: obtainedAtMs + lifetimeS * 1000 },
  };
}

/** What went wrong at an authorization server, without anything secret: errors of the library hold whole answers. */
export function problemOf(error: unknown, doing: string): AuthorizationProblem {
  if (error instanceof AuthorizationProblem) return error;
  if (error instanceof oauth.ResponseBodyError) {
    const { error: code, status } = error;
    const text = `${doing}: the authorization server answered ${codeShown(code)}`;
    return status >= 400 && status < 500
      ? new GrantRefused(text, code)
      : new AuthorizationProblem(text);
  }
  if (error instanceof oauth.AuthorizationResponseError) {
    return new GrantRefused(`${doing}: it was refused, ${codeShown(error.error)}`, error.error);
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return new GrantRefused(`${doing}: the client was refused (${error.status})`, "invalid_client");
  }
  if (error instanceof oauth.OperationProcessingError) {
    return new AuthorizationProblem(`${doing}: ${shown(error.message)}`);
  }
  return new AuthorizationProblem(`${doing}: it failed`);
}
