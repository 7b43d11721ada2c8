/**
 * Which of authentication and access rules a configuration wants; what it does not want is not loaded.
 *
 * @module
 */
import { proofsAt } from "../../lib/config/auth_config.ts";
import type { GatewayConfig } from "../../lib/config/gateway_config.ts";
import { ResourceServer } from "../../lib/auth/resource_server.ts";
import type { Access } from "./access.ts";
import type { Authentication, AuthenticationParts } from "./auth.ts";
import type { Base } from "./base.ts";

/**
 * What finds out who clients are, and who owns it; nothing where no listener asks.
 *
 * @throws {SluiceError} a secret that is not there, or a list of revoked tokens that cannot be read
 */
export async function authentication(
  parts: AuthenticationParts,
): Promise<{ auth?: Authentication; ownedAuth: readonly AsyncDisposable[] }> {
  if (!asksAnybody(parts.config)) return { ownedAuth: [] };
  const { createAuthentication } = await import("./auth.ts");
  const auth = await createAuthentication(parts);
  return { auth, ownedAuth: [auth] };
}

/** The access rules; nothing where there are none. */
export async function access(base: Base): Promise<Access | undefined> {
  if (Object.keys(base.config.access.rules).length === 0) return undefined;
  const { createAccess } = await import("./access.ts");
  const { auth, security } = base;
  return createAccess(() => base.config, security.report, auth?.resource ?? NOBODY_ASKS);
}

function asksAnybody({ auth, listen }: GatewayConfig): boolean {
  const { clients, issuers, introspection, certificates } = auth;
  const isSetUp = [clients, issuers, introspection, certificates]
    .some((map) => Object.keys(map).length > 0);
  return isSetUp || listen.some((endpoint) => !proofsAt(auth, endpoint).includes("none"));
}

const NOBODY_ASKS = new ResourceServer({
  publicUrl: "",
  isSecure: false,
  authorizationServers: [],
  scopes: [],
});
