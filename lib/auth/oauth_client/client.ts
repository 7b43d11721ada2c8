/**
 * Who the gateway is to an authorization server: a client registered beforehand, one described by a document, or
 * one that registers itself.
 *
 * Source: MCP specification 2026-07-28, basic/authorization/client-registration; RFC 7591.
 *
 * @module
 */
import * as oauth from "oauth4webapi";
import type { UpstreamAuth } from "../../config/oauth_schema.ts";
import type { GuardedWeb } from "./guarded_web.ts";
import { asServer, type IssuerMetadata } from "./issuer.ts";
import { AuthorizationProblem, shown } from "./problem.ts";
import { problemOf } from "./token_request.ts";
import type { Kept, KeptClient } from "./token_file.ts";

/** Name that people see when they are asked to let the gateway in. */
const CLIENT_NAME = "Sluice";

/** Client ids that need no registration: configured ones. */
export function configuredClientId(
  { clientId, clientMetadataUrl }: UpstreamAuth,
  server: IssuerMetadata,
): string | undefined {
  if (clientId !== undefined) return clientId;
  if (server.client_id_metadata_document_supported) return clientMetadataUrl;
}

/** The client that registered itself at an issuer before, as long as its secret has not ended. */
export function registeredClient(kept: Kept, issuer: string): KeptClient | undefined {
  const client = Object.hasOwn(kept.clients, issuer) ? kept.clients[issuer] : undefined;
  return (client?.secretExpiresAtMs ?? Infinity) > Date.now() ? client : undefined;
}

/**
 * Registers the gateway as a native application.
 *
 * @throws {AuthorizationProblem} the server registers no clients, or not this one
 */
export async function registerClient(
  web: GuardedWeb,
  server: IssuerMetadata,
  redirectUri: string,
): Promise<KeptClient> {
  if (server.registration_endpoint === undefined) {
    throw new AuthorizationProblem(
      `the authorization server ${
        shown(server.issuer)
      } registers no clients by itself; give clientId`,
    );
  }
  const authMethod = methodFor(server);
  try {
    const answer = await oauth.dynamicClientRegistrationRequest(asServer(server), {
      client_name: CLIENT_NAME,
      application_type: "native",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: authMethod, // no scopes: more may be needed later
    }, { [oauth.customFetch]: web.fetch, [oauth.allowInsecureRequests]: true });
    const client = await oauth.processDynamicClientRegistrationResponse(await asAsked(answer));
    const { client_secret: secret, client_secret_expires_at: endS } = client;
    const method = client.token_endpoint_auth_method;
    return {
      clientId: client.client_id,
      ...typeof secret === "string" && { clientSecret: secret },
      ...typeof endS === "number" && endS > 0 && { secretExpiresAtMs: endS * 1000 },
      authMethod: typeof method === "string" ? method : authMethod,
      redirectUri,
    };
  } catch (error) {
    throw problemOf(error, "registering a client");
  }
}

/** RFC 7591 asks for status 201 and for the end of a secret; servers that leave them out mean no harm. */
async function asAsked(answer: Response): Promise<Response> {
  if (answer.status !== 200 && answer.status !== 201) return answer;
  const client = await answer.json();
  if (client?.client_secret !== undefined) client.client_secret_expires_at ??= 0;
  return Response.json(client, { status: 201 });
}

/** How a client that registers itself proves itself: not at all, where that is possible: it can keep no secret. */
function methodFor({ token_endpoint_auth_methods_supported: methods }: IssuerMetadata): string {
  if (methods === undefined || methods.includes("none")) return "none";
  return methods.find((method) => SECRET_METHODS.includes(method)) ?? "none";
}

const SECRET_METHODS: readonly string[] = ["client_secret_basic", "client_secret_post"];
