/**
 * A server as a protected resource: its name, and the document in which it says who may let in.
 *
 * Source: RFC 9728; MCP specification 2026-07-28, basic/authorization/authorization-server-discovery.
 *
 * @module
 */
import { isTlsParameter } from "../../core/url_parameters.ts";
import type { BearerChallenge } from "./challenge.ts";
import { jsonObject } from "./document.ts";
import type { GuardedWeb } from "./guarded_web.ts";
import { AuthorizationProblem, shown } from "./problem.ts";

/** What a server says of itself. */
export interface ProtectedResource {
  /** Its name, for the parameter `resource`. */
  readonly resource: string;
  /** Authorization servers, by issuer; at least one. */
  readonly issuers: readonly string[];
  readonly scopes: readonly string[] | undefined;
}

const WELL_KNOWN = "/.well-known/oauth-protected-resource";
const ISSUERS_MAX = 16;

/** The address of a server as HTTP sees it: WebSocket and HTTP+SSE have schemes of their own. */
export function httpUrl(endpoint: URL): URL {
  const url = new URL(endpoint.href.replace(/^sse\+/, "").replace(/^ws/, "http"));
  const theirs = url.search.slice(1).split("&").filter((pair) =>
    pair !== "" && !isTlsParameter(url, pair.replace(/=.*/s, ""))
  );
  url.search = theirs.join("&");
  url.hash = "";
  return url;
}

/** The canonical name of a server: no query, no slash at the end of an empty path. */
export function canonicalUri(url: URL): string {
  return url.origin + (url.pathname === "/" ? "" : url.pathname);
}

/**
 * Finds a server's metadata: where its challenge says, else at the well-known places. A server without any
 * is taken for its own authorization server, as before 2025-06-18.
 *
 * @throws {AuthorizationProblem} no document where the challenge says, one of another resource, or a bad one
 */
export async function discoverResource(
  web: GuardedWeb,
  upstream: URL,
  challenge: BearerChallenge,
): Promise<ProtectedResource> {
  const named = challenge.resourceMetadata;
  if (named !== undefined) {
    if (!URL.canParse(named)) {
      throw new AuthorizationProblem("the server's resource_metadata is no address");
    }
    const document = await jsonObject(web, new URL(named));
    if (document === undefined) {
      throw new AuthorizationProblem("there is no metadata where the server's challenge says");
    }
    return resourceOf(document, upstream);
  }
  for (const place of wellKnownPlaces(upstream)) {
    const document = await jsonObject(web, place);
    if (document !== undefined) return resourceOf(document, upstream);
  }
  return { resource: canonicalUri(upstream), issuers: [upstream.origin], scopes: undefined };
}

function wellKnownPlaces(upstream: URL): URL[] {
  const path = upstream.pathname === "/" ? "" : upstream.pathname;
  const places = [
    new URL(WELL_KNOWN + path, upstream.origin),
    new URL(WELL_KNOWN, upstream.origin),
  ];
  return path === "" ? places.slice(1) : places;
}

function resourceOf(document: Record<string, unknown>, upstream: URL): ProtectedResource {
  const { resource, authorization_servers: issuers, scopes_supported: scopes } = document;
  if (typeof resource !== "string" || !isMeant(resource, upstream)) {
    throw new AuthorizationProblem(
      `the metadata is of another resource, ${shown(resource)}, than ${canonicalUri(upstream)}`,
    );
  }
  if (!Array.isArray(issuers) || !issuers.every(isText) || issuers.length === 0) {
    throw new AuthorizationProblem("the server's metadata names no authorization server");
  }
  return {
    resource,
    issuers: issuers.slice(0, ISSUERS_MAX),
    scopes: Array.isArray(scopes) ? scopes.filter(isText) : undefined,
  };
}

/** A resource may stand for everything below it: same origin, and a whole part of the path. */
function isMeant(resource: string, upstream: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const url = new URL(resource);
  if (url.origin !== upstream.origin || url.hash !== "" || url.username !== "") return false;
  if (url.search !== "" && url.search !== upstream.search) return false;
  const folder = url.pathname.replace(/\/$/, "");
  return upstream.pathname === url.pathname || `${upstream.pathname}/`.startsWith(`${folder}/`);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
