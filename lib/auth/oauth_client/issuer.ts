/**
 * The metadata of an authorization server.
 *
 * Source: RFC 8414; OpenID Connect Discovery 1.0; the order is that of the MCP specification 2026-07-28,
 * basic/authorization/authorization-server-discovery.
 *
 * @module
 */
import type { AuthorizationServer } from "oauth4webapi";
import { z } from "zod";
import { jsonObject } from "./document.ts";
import type { GuardedWeb } from "./guarded_web.ts";
import { AuthorizationProblem, shown } from "./problem.ts";

const address = z.string().max(2048).refine((text) => URL.canParse(text));
const texts = z.array(z.string().max(512)).max(256).optional();

/** What is used of the metadata; the rest is dropped. */
const metadata = z.object({
  issuer: z.string().max(2048),
  authorization_endpoint: address.optional(),
  token_endpoint: address,
  registration_endpoint: address.optional(),
  scopes_supported: texts,
  grant_types_supported: texts,
  token_endpoint_auth_methods_supported: texts,
  code_challenge_methods_supported: texts,
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
});

/** Metadata that was checked to belong to its issuer. */
export type IssuerMetadata = z.output<typeof metadata>;

/**
 * Metadata read back from a file of ours.
 *
 * @throws {ZodError} when it is none
 */
export const keptMetadata = metadata;

/**
 * Finds the metadata of an issuer.
 *
 * @throws {AuthorizationProblem} no issuer, no document, a bad one, or one of another issuer
 */
export async function discoverIssuer(web: GuardedWeb, issuer: string): Promise<IssuerMetadata> {
  if (!URL.canParse(issuer)) {
    throw new AuthorizationProblem(`the authorization server ${shown(issuer)} is no address`);
  }
  const url = new URL(issuer);
  web.checkScheme(url);
  if (url.search !== "" || url.hash !== "") {
    throw new AuthorizationProblem(`the issuer ${shown(issuer)} has a query or fragment`);
  }
  for (const place of placesOf(url)) {
    const document = await jsonObject(web, place);
    if (document !== undefined) return checked(document, issuer, place);
  }
  throw new AuthorizationProblem(`the authorization server ${shown(issuer)} has no metadata`);
}

/** The metadata in the form of the library. */
export function asServer(found: IssuerMetadata): AuthorizationServer {
  return found as AuthorizationServer;
}

/**
 * Makes sure that PKCE with S256 is supported: a server that does not say so may drop the challenge.
 *
 * @throws {AuthorizationProblem}
 */
export function requirePkce({ issuer, code_challenge_methods_supported: methods }: IssuerMetadata) {
  if (methods?.includes("S256")) return;
  throw new AuthorizationProblem(
    `the authorization server ${shown(issuer)} does not say that it supports PKCE with S256`,
  );
}

function placesOf({ origin, pathname }: URL): URL[] {
  const path = pathname.replace(/\/$/, "");
  const [oauth, openid] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
  ];
  const texts = path === "" ? [oauth, openid] : [oauth + path, openid + path, path + openid];
  return texts.map((text) => new URL(text, origin));
}

function checked(document: unknown, issuer: string, place: URL): IssuerMetadata {
  const { success, data } = metadata.safeParse(document);
  if (!success) {
    throw new AuthorizationProblem(`${place.href}: the metadata is incomplete or malformed`);
  }
  if (!isSameIssuer(data.issuer, issuer)) {
    throw new AuthorizationProblem(
      `the metadata of ${shown(issuer)} is of another issuer, ${shown(data.issuer)}`,
    );
  }
  return data;
}

/**
 * The same text; but `https://host` and `https://host/`, which have one and the same place for metadata, are
 * mixed up by so many servers that they pass for each other here. Nowhere else.
 */
function isSameIssuer(found: string, asked: string): boolean {
  if (found === asked) return true;
  if (!URL.canParse(found)) return false;
  const isBare = (text: string) =>
    new URL(text).pathname === "/" && /^[^/]*\/\/[^/]*\/?$/.test(text);
  return isBare(found) && isBare(asked) && found.replace(/\/$/, "") === asked.replace(/\/$/, "");
}
