/**
 * The gateway as a resource server of OAuth: what it tells clients that have no token, the wrong one, or one that
 * allows too little.
 *
 * Source: RFC 9728; RFC 6750, 3; MCP specification 2026-07-28, basic/authorization.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";

/** What it says of itself. */
export interface ResourceServerOptions {
  /** Where clients reach the gateway, without a slash at its end; empty: where the client says that it has. */
  readonly publicUrl: string;
  /** Whether that is over TLS, where no public URL says so. */
  readonly isSecure: boolean;
  /** Issuers of tokens; without one there is nothing to discover. */
  readonly authorizationServers: readonly string[];
  /** Scopes that a client should ask for to begin with. */
  readonly scopes: readonly string[];
}

/** What a challenge says besides where to find out more. */
export interface Challenge {
  readonly error?: "invalid_token" | "invalid_request" | "insufficient_scope";
  readonly description?: string;
  /** Scopes that the request needs, all of them. */
  readonly scopes?: readonly string[];
}

/** Where metadata stand, before the path of what they are about. */
export const METADATA_PATH = "/.well-known/oauth-protected-resource";

/** Endpoint of a transport. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  http: "/mcp",
  sse: "/mcp/sse",
  websocket: "/mcp/ws",
};

/** See the module. */
export class ResourceServer {
  readonly #options: ResourceServerOptions;

  constructor(options: ResourceServerOptions) {
    this.#options = options;
  }

  /** Paths of the metadata, and the endpoint that each is about. */
  get metadataPaths(): ReadonlyMap<string, string> {
    if (this.#options.authorizationServers.length === 0) return new Map();
    const paths = new Map([[METADATA_PATH, ENDPOINTS.http]]);
    const prefix = this.#prefix;
    for (const endpoint of Object.values(ENDPOINTS)) {
      paths.set(METADATA_PATH + endpoint, endpoint);
      paths.set(METADATA_PATH + prefix + endpoint, endpoint); // a proxy may keep the prefix
    }
    return paths;
  }

  /**
   * The metadata document of an endpoint.
   *
   * @param host the `Host` that was asked for
   */
  metadata(endpoint: string, host: string): unknown {
    const { authorizationServers, scopes } = this.#options;
    return {
      resource: this.#base(host) + endpoint,
      authorization_servers: authorizationServers,
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ["header"],
      resource_name: "Sluice",
    };
  }

  /** Headers that tell a client what it lacks. */
  challenge(request: RequestInfo, challenge: Challenge = {}): Readonly<Record<string, string>> {
    const { error, description, scopes = this.#options.scopes } = challenge;
    const parameters = [
      ...error === undefined ? [] : [quoted("error", error)],
      ...description === undefined ? [] : [quoted("error_description", description)],
      ...scopes.length === 0 ? [] : [quoted("scope", scopes.join(" "))],
      ...this.#metadataUrl(request),
    ];
    const all = parameters.length > 0 ? parameters : [quoted("realm", "sluice")];
    return { "www-authenticate": `Bearer ${all.join(", ")}` };
  }

  #metadataUrl(request: RequestInfo): string[] {
    if (this.#options.authorizationServers.length === 0) return [];
    const endpoint = ENDPOINTS[request.transport] ?? ENDPOINTS.http;
    const host = request.header("host") ?? "";
    const base = this.#base(host);
    const url = `${base.slice(0, base.length - this.#prefix.length)}${METADATA_PATH}`;
    return [quoted("resource_metadata", url + this.#prefix + endpoint)];
  }

  #base(host: string): string {
    const { publicUrl, isSecure } = this.#options;
    return publicUrl !== "" ? publicUrl : `${isSecure ? "https" : "http"}://${host}`;
  }

  /** Path of the public URL. */
  get #prefix(): string {
    const { publicUrl } = this.#options;
    return publicUrl === "" ? "" : new URL(publicUrl).pathname.replace(/\/$/, "");
  }
}

/** What tokens for the endpoints of a public URL may name as their audience. */
export function audiencesOf(publicUrl: string): string[] {
  if (publicUrl === "") return [];
  const resources = [publicUrl, ...Object.values(ENDPOINTS).map((path) => publicUrl + path)];
  return resources.flatMap((resource) => [resource, `${resource}/`]);
}

function quoted(name: string, value: string): string {
  return `${name}="${value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?")}"`;
}
