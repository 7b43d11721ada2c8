/**
 * What finding out who a request is from costs once its credential is known: the budget is 50 us.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ApiKeys } from "../lib/auth/api_keys.ts";
import { Authenticator } from "../lib/auth/authenticator.ts";
import { JwtVerifier } from "../lib/auth/jwt.ts";
import { ResourceServer } from "../lib/auth/resource_server.ts";
import type { RequestInfo } from "../lib/core/connection.ts";
import { ANONYMOUS } from "../lib/core/identity.ts";
import { AccessRules } from "../lib/policy/access_rules.ts";

const ISSUER = "https://issuer.test", AUDIENCE = "https://gateway.test/mcp";
const { publicKey, privateKey } = await generateKeyPair("RS256");
const jwks = { keys: [{ ...await exportJWK(publicKey), kid: "k" }] };
const verifier = new JwtVerifier({
  issuers: [{
    issuer: ISSUER,
    jwksUrl: `${ISSUER}/jwks`,
    algorithms: ["RS256"],
    roles: [],
  }],
  audiences: [AUDIENCE],
  clockSkewMs: 0,
  staleMs: 3_600_000,
  fetchBytes: () => Promise.resolve(new TextEncoder().encode(JSON.stringify(jwks))),
});
const keys = new ApiKeys({
  bot: {
    keys: { one: `sha256:${createHash("sha256").update("key").digest("hex")}` },
    scopes: [],
    roles: [],
  },
});
const resource = new ResourceServer({
  publicUrl: "https://gateway.test",
  isSecure: true,
  authorizationServers: [ISSUER],
  scopes: [],
});
const authenticator = new Authenticator({ resource, keys, jwt: verifier });
const admit = authenticator.admission(new Set(["api_key", "jwt"]));

const token = await new SignJWT({ scope: "tools:read tools:write", jti: "0".repeat(36) })
  .setProtectedHeader({ alg: "RS256", kid: "k" }).setIssuer(ISSUER).setAudience(AUDIENCE)
  .setSubject("alice").setExpirationTime("1h").sign(privateKey);

function requestWith(name: string, value: string): RequestInfo {
  return {
    transport: "http",
    address: "127.0.0.1:1",
    header: (asked) => asked === name ? value : undefined,
  };
}

const withToken = requestWith("authorization", `Bearer ${token}`);
const withKey = requestWith("x-api-key", "key");
await admit(withToken);

Deno.bench("JWT, warm", { group: "authenticate" }, () => void admit(withToken));
Deno.bench("API key", { group: "authenticate", baseline: true }, () => void admit(withKey));
Deno.bench("JWT, cold (RS256)", { group: "authenticate" }, async () => {
  authenticator.forget();
  await admit(withToken);
});

const rules = new AccessRules(
  Array.from({ length: 20 }, (_, i) => ({ tools: [`server${i}_*`], scopes: ["tools:read"] })),
);
const identity = { ...ANONYMOUS, scopes: new Set(["tools:read"]) };
const wish = {
  method: "tools/call",
  item: { kind: "tools" as const, name: "server19_search", servers: ["main"] },
};

Deno.bench("20 access rules, the last one fits", () => void rules.judge(identity, wish));
