import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { CompactEncrypt, CompactSign, exportJWK, exportSPKI, GeneralSign } from "jose";
import {
  AUDIENCE,
  AuthorizationServer,
  newKey,
  type SigningKey,
} from "../fixtures/authorization_server.ts";
import { GuardedGateway } from "../fixtures/guarded_gateway.ts";

/** A server of an attacker, which nobody must ever ask. */
async function startTrap() {
  let connections = 0;
  const server = http.createServer((_, res) => void res.end("{}"));
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function base64url(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return Buffer.from(text).toString("base64url");
}

const INITIALIZE = {
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  },
};

/** Signed and encrypted forms that are no access tokens. */
async function otherForms(server: AuthorizationServer, claims: unknown, attacker: SigningKey) {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const { privateKey } = server.keys[0];
  const nested = await new CompactEncrypt(bytes)
    .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" })
    .encrypt((await newKey("enc", "RSA-OAEP-256")).publicKey);
  const general = await new GeneralSign(bytes)
    .addSignature(privateKey).setProtectedHeader({ alg: "RS256" })
    .addSignature(attacker.privateKey).setProtectedHeader({ alg: "RS256" }).sign();
  const unencoded = await new CompactSign(bytes)
    .setProtectedHeader({ alg: "RS256", kid: "first", b64: false, crit: ["b64"] })
    .sign(privateKey).catch(() => undefined); // the library may refuse to make it
  return { nested, general, unencoded };
}

/** Every forgery by name, as the value of the header `Authorization`. */
async function forgeries(server: AuthorizationServer, trap: string): Promise<Map<string, string>> {
  const nowS = Math.floor(Date.now() / 1000);
  const claims = { iss: server.issuer, aud: AUDIENCE, sub: "alice", exp: nowS + 300 };
  const good = await server.token();
  const [header, payload, signature] = good.split(".");
  const attacker = await newKey("first"); // the name of the honest key
  const spki = await exportSPKI(server.keys[0].publicKey);
  const hmacInput = `${base64url({ alg: "HS256", kid: "first" })}.${base64url(claims)}`;
  const hmac = createHmac("sha256", spki).update(hmacInput).digest("base64url");
  const jwk = await exportJWK(attacker.publicKey);
  const signedBy = (more: Record<string, unknown>, key = attacker) => server.token({}, more, key);
  const { nested, general, unencoded } = await otherForms(server, claims, attacker);
  const critical = `${base64url({ alg: "RS256", kid: "first", crit: ["x"], x: 1 })}.${payload}`;
  const bearer = new Map<string, string>([
    ["alg none", `${base64url({ alg: "none" })}.${base64url(claims)}.`],
    [
      "alg None, with a signature",
      `${base64url({ alg: "None" })}.${base64url(claims)}.${signature}`,
    ],
    ["HS256 with the public key", `${hmacInput}.${hmac}`],
    ["another issuer", await server.token({ iss: "https://evil.example" })],
    ["no issuer", await server.token({ iss: undefined })],
    ["another audience", await server.token({ aud: "https://other.example/mcp" })],
    [
      "a list of other audiences",
      await server.token({ aud: ["https://a.example", "https://b.example"] }),
    ],
    ["an audience that begins like ours", await server.token({ aud: `${AUDIENCE}.evil.example` })],
    ["no audience", await server.token({ aud: undefined })],
    ["expired", await server.token({ exp: nowS - 120 })],
    ["no expiry", await server.token({ exp: undefined })],
    ["expiry that is no number", await server.token({ exp: "never" })],
    ["not valid yet", await server.token({ nbf: nowS + 600 })],
    ["no subject", await server.token({ sub: undefined })],
    ["an unknown key", await signedBy({ kid: "nobody's" })],
    ["a path for a key", await signedBy({ kid: "../../../../etc/passwd" })],
    ["a URL for a key", await signedBy({ kid: trap })],
    ["the name of a key that it was not signed with", await signedBy({})],
    ["jku of an attacker", await signedBy({ jku: trap })],
    ["x5u of an attacker", await signedBy({ x5u: trap })],
    ["an embedded key", await signedBy({ jwk })],
    ["unknown critical extension", `${critical}.${signature}`],
    ["an encrypted token", nested],
    ["two signatures", base64url(general)],
    ["cut off", good.slice(0, -20)],
    ["no signature", `${header}.${payload}.`],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.${signature}`],
    ["changed claims", `${header}.${base64url({ ...claims, sub: "root" })}.${signature}`],
    ["claims that are no object", `${header}.${base64url("[]")}.${signature}`],
    ["oversize", await server.token({ padding: "x".repeat(8500) })],
    ["padding in base64", `${header}.${payload}.${signature}==`],
    ["an empty token", ""],
  ]);
  if (unencoded !== undefined) bearer.set("unencoded payload", unencoded);
  return new Map([
    ...[...bearer].map(([name, token]) => [name, `Bearer ${token}`] as const),
    ["another scheme", `Basic ${base64url("alice:secret")}`],
    ["a token without a scheme", good],
    ["two tokens in one header", `Bearer ${good}, Bearer ${good}`],
  ]);
}

Deno.test("forged tokens get 401 each, nothing is fetched for them, and a good one gets in", async () => {
  await using server = await AuthorizationServer.start();
  await using trap = await startTrap();
  await using gateway = await GuardedGateway.start({
    auth: {
      publicUrl: "https://gateway.test",
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
    suspicion: { enabled: false },
  });
  const all = await forgeries(server, trap.url);
  assert.ok(all.size >= 22);
  for (const [name, authorization] of all) {
    const { status, headers, text } = await gateway.post(INITIALIZE, { authorization });
    assert.equal(status, 401, `${name}: ${text}`);
    const challenge = headers.get("www-authenticate") ?? "";
    assert.match(challenge, /^Bearer error="invalid_token", /, name);
    assert.match(
      challenge,
      /resource_metadata="https:\/\/gateway\.test\/\.well-known\/oauth-protected-resource\/mcp"/,
      name,
    );
  }
  assert.equal(trap.connections(), 0);
  assert.equal(server.count("/jwks"), 1, "unknown keys are asked for once in 30 s");
  const authorization = `Bearer ${await server.token()}`;
  assert.equal((await gateway.post(INITIALIZE, { authorization })).status, 200);
  const several = await server.token({ aud: ["https://other.example", AUDIENCE] });
  const headers = { authorization: `Bearer ${several}` };
  assert.equal((await gateway.post(INITIALIZE, headers)).status, 200);
});

Deno.test("tokens in the query get nobody in, and two credentials are one too many", async () => {
  await using server = await AuthorizationServer.start();
  await using gateway = await GuardedGateway.start({
    auth: {
      publicUrl: "https://gateway.test",
      issuers: { test: { issuer: server.issuer, jwksUrl: `${server.issuer}/jwks` } },
    },
  });
  const token = await server.token();
  for (const path of [`/mcp?token=${token}`, `/mcp?access_token=${token}`]) {
    assert.equal((await gateway.post(INITIALIZE, {}, path)).status, 401);
  }
  const both = { authorization: `Bearer ${token}`, "x-api-key": "key" };
  const { status, headers } = await gateway.post(INITIALIZE, both);
  assert.equal(status, 400);
  assert.match(headers.get("www-authenticate")!, /error="invalid_request"/);
});
