/**
 * What is allowed of authentication, access rules and the deny list, but can hardly be meant: credentials that
 * travel in the open, and rules that match nobody and nothing.
 *
 * @module
 */
import { matchesGlob } from "../core/globs.ts";
import { proofsAt } from "./auth_config.ts";
import type { ProofName } from "./auth_schema.ts";
import { isLoopback, shortUrl } from "./endpoints.ts";
import type { GatewayConfig } from "./gateway_config.ts";

/** What the warnings are about. */
export type GuardSettings = Pick<
  GatewayConfig,
  "listen" | "upstreams" | "http" | "auth" | "access" | "deny"
>;

/** What clients send with every request. */
const SENT: ReadonlySet<ProofName> = new Set(["apiKey", "jwt", "introspection"]);

/** Warnings about who may come in, and what each may do. */
export function guardWarnings(config: GuardSettings): string[] {
  return [
    ...openCredentials(config),
    ...looseTokens(config),
    ...deadRules(config),
    ...deadDenials(config),
  ];
}

function openCredentials({ listen, http, auth }: GuardSettings): string[] {
  if (http.trustedProxies.length > 0) return []; // a proxy that speaks TLS to clients stands before it
  const open = listen.filter((endpoint) =>
    endpoint.url.protocol === "http:" && !isLoopback(endpoint) &&
    proofsAt(auth, endpoint).some((proof) => SENT.has(proof))
  );
  return open.map(({ url }) =>
    `keys and tokens of clients go unencrypted to ${
      shortUrl(url)
    }; listen on https://, or name the ` +
    "proxy before it in http.trustedProxies"
  );
}

function looseTokens({ auth }: GuardSettings): string[] {
  return Object.entries(auth.introspection).flatMap(([name, { audienceOptional }]) =>
    audienceOptional
      ? [
        `auth.introspection.${name} takes tokens that were made for other services (audienceOptional)`,
      ]
      : []
  );
}

/** A role, scope or name in a rule that nobody can have makes the rule one for nobody. */
function deadRules({ access, auth, upstreams }: GuardSettings): string[] {
  const grants = [auth.clients, auth.issuers, auth.introspection, auth.certificates]
    .flatMap((map) => Object.values<Grants>(map));
  const roles = new Set(grants.flatMap((grant) => grant.roles ?? []));
  const areRolesOpen = grants.some(({ rolesClaim }) => rolesClaim !== undefined); // tokens bring their own
  const names = upstreams.map(({ name }) => name);
  const principals = principalsOf(auth);
  return Object.entries(access.rules).flatMap(([rule, wanted]) => {
    const dead = (what: string) => `access.rules.${rule} allows nothing: ${what}`;
    const { servers, roles: asked, principals: who } = wanted;
    const knows = (patterns: readonly string[], texts: readonly string[]) =>
      patterns.some((pattern) => texts.some((text) => matchesGlob(pattern, text)));
    if (servers !== undefined && !knows(servers, names)) {
      return [dead(`no server is called ${servers.join(" or ")}`)];
    }
    if (asked !== undefined && !areRolesOpen && !asked.some((role) => roles.has(role))) {
      return [dead(`nobody has the role ${asked.join(" or ")}`)];
    }
    if (who !== undefined && principals !== undefined && !knows(who, principals)) {
      return [dead(`nobody is ${who.join(" or ")}`)];
    }
    return [];
  });
}

/** Somebody who is denied by a name that nobody has comes in all the same. */
function deadDenials({ deny, auth }: GuardSettings): string[] {
  const known = principalsOf(auth);
  if (known === undefined) return [];
  return deny.principals.filter((principal) => !known.includes(principal)).map((principal) =>
    `deny.principals holds ${principal}, which is nobody's name; names look like key:NAME or "ISSUER SUBJECT"`
  );
}

/** Everybody whom the configuration can tell; `undefined` where tokens name others. */
function principalsOf({ clients, issuers, introspection, certificates }: GuardSettings["auth"]) {
  if (Object.keys(issuers).length + Object.keys(introspection).length > 0) return undefined;
  return [
    "anonymous",
    ...Object.keys(clients).map((name) => `key:${name}`),
    ...Object.keys(certificates).map((name) => `certificate:${name}`),
  ];
}

interface Grants {
  readonly roles?: readonly string[];
  readonly rolesClaim?: string;
}
