/**
 * Access rules in front of everything, and in front of each of several servers.
 *
 * @module
 */
import type { Identity } from "../../lib/core/identity.ts";
import type { Policy } from "../../lib/core/handler.ts";
import type { SecurityEvents } from "../../lib/core/security_event.ts";
import type { ResourceServer } from "../../lib/auth/resource_server.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { AccessLayer, serverAccess } from "../../lib/policy/access_layer.ts";
import { AccessRules, type Wish } from "../../lib/policy/access_rules.ts";
import { Origins } from "../../lib/router/origins.ts";
import { CALL_TOOL, SEARCH_TOOL } from "../../lib/router/search_tool.ts";
import { resourceSchemes } from "../../lib/router/names.ts";

/** What each client may do. */
export interface Access {
  /** In front of everything. */
  readonly layer: AccessLayer;
  /** Learns from lists of several servers where things came from. */
  readonly origins: Origins;
  /** In front of one of several servers. */
  serverPolicy(server: string): Policy;
}

/**
 * Makes the access rules of a configuration.
 *
 * @param config as it runs at the time
 */
export function createAccess(
  config: () => GatewayConfig,
  report: SecurityEvents,
  resource: ResourceServer,
): Access {
  const current = remembered(() => config().access, rulesOf);
  const options = {
    rules: { judge: (identity: Identity, wish: Wish) => current().judge(identity, wish) },
    report,
    challenge: (request: Parameters<ResourceServer["challenge"]>[0], scopes: readonly string[]) =>
      resource.challenge(request, {
        error: "insufficient_scope",
        scopes,
        description: "more scopes are needed",
      }),
  };
  const places = remembered(() => config().upstreams, placesOf);
  const origins = new Origins(() => places().prefixes, () => places().schemes);
  const layer = new AccessLayer({
    ...options,
    locate(kind, name) {
      const { upstreams } = config();
      if (upstreams.length === 1) return { name, servers: [upstreams[0].name] };
      if (kind === "tools" && OWN_TOOLS.has(name)) return { name, servers: [] };
      return kind === "resources" ? origins.resource(name) : origins.named(name);
    },
  });
  return { layer, origins, serverPolicy: (server) => serverAccess(options, server) };
}

/** Tools of the gateway itself: what they find is filtered, what they call is judged by its own name. */
const OWN_TOOLS: ReadonlySet<string> = new Set([SEARCH_TOOL, CALL_TOOL]);

/** What follows from a part of the configuration, found out once for each. */
function remembered<Part, Result>(part: () => Part, make: (part: Part) => Result): () => Result {
  let from = part(), made = make(from);
  return () => {
    const now = part();
    if (now !== from) [from, made] = [now, make(now)];
    return made;
  };
}

function rulesOf({ rules, implies }: GatewayConfig["access"]): AccessRules {
  return new AccessRules(Object.values(rules), implies);
}

/** Servers by what stands before names and URIs. */
function placesOf(upstreams: GatewayConfig["upstreams"]) {
  const schemes = resourceSchemes(upstreams.map(({ prefix }) => prefix));
  return {
    prefixes: new Map(upstreams.map(({ prefix, name }) => [prefix, name])),
    schemes: new Map(upstreams.map(({ name }, index) => [schemes[index], name])),
  };
}
