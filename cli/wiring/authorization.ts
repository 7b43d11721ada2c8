/**
 * Endpoints that want to know who asks.
 *
 * @module
 */
import type { Endpoint } from "../../lib/core/connection.ts";
import type { UpstreamConfig } from "../../lib/config/gateway_config.ts";
import type { Base } from "./base.ts";

/** An endpoint with what proves the gateway there; as it is where nothing is configured. */
export async function authorizedEndpoint(
  base: Base,
  { name, auth }: UpstreamConfig,
  endpoint: Endpoint,
): Promise<Endpoint> {
  if (auth === undefined) return endpoint;
  const { UpstreamAuthorizer } = await import("../../lib/auth/oauth_client/authorizer.ts");
  const log = base.log.child("oauth");
  const authorizer = new UpstreamAuthorizer({
    name,
    url: endpoint.url,
    auth,
    folder: tokenFolder(),
    announce: (url) => log.warn(`log in to ${name}: open ${url.href}`),
    warn: (text) => log.warn(text),
  });
  base.owned.push({
    [Symbol.asyncDispose]: () => Promise.resolve(authorizer[Symbol.dispose]()),
  });
  return { ...endpoint, authorizer };
}

/** Where tokens outlive the process; `undefined` where there is no home for them. */
function tokenFolder(): string | undefined {
  const { XDG_STATE_HOME, HOME, LOCALAPPDATA } = Deno.env.toObject();
  const state = XDG_STATE_HOME || (HOME ? `${HOME}/.local/state` : LOCALAPPDATA);
  return state ? `${state}/sluice/oauth` : undefined;
}
