import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ApiKeys } from "../../../lib/auth/api_keys.ts";
import { Authenticator, type AuthenticatorParts } from "../../../lib/auth/authenticator.ts";
import { Certificates } from "../../../lib/auth/certificates.ts";
import { Introspection } from "../../../lib/auth/introspection.ts";
import { JwtVerifier } from "../../../lib/auth/jwt.ts";
import { ResourceServer } from "../../../lib/auth/resource_server.ts";
import type { GatewayError } from "../../../lib/core/errors.ts";
import { ANONYMOUS, type Identity, type Proof } from "../../../lib/core/identity.ts";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import { AUDIENCE, AuthorizationServer, publicJwk } from "../../fixtures/authorization_server.ts";
import { requestWith } from "./requests.ts";

const RESOURCE = new ResourceServer({
  publicUrl: "https://gateway.test",
  isSecure: true,
  authorizationServers: ["https://issuer.test"],
  scopes: ["tools:read"],
});
const KEY = "sk-test-0123456789";
const DIGEST = `sha256:${createHash("sha256").update(KEY).digest("hex")}`;
const OTHER = `sha256:${createHash("sha256").update("another").digest("hex")}`;

function scene(parts: Partial<AuthenticatorParts> = {}, ...proofs: Proof[]) {
  const events: SecurityEvent[] = [];
  const judged: string[] = [];
  const authenticator = new Authenticator({
    resource: RESOURCE,
    report: (event) => void events.push(event),
    onJudged: (proof, outcome) => void judged.push(`${proof} ${outcome}`),
    ...parts,
  });
  return { authenticator, events, judged, admit: authenticator.admission(new Set(proofs)) };
}

async function refusal(work: () => unknown): Promise<GatewayError> {
  let error: unknown;
  await assert.rejects(async () => await work(), (thrown) => (error = thrown, true));
  return error as GatewayError;
}

Deno.test("a client without a credential is told where to find out more, and is no event", async () => {
  const { admit, events, judged } = scene({}, "api_key");
  const error = await refusal(() => admit(requestWith()));
  assert.equal(error.status, 401);
  assert.equal(
    error.headers["www-authenticate"],
    'Bearer scope="tools:read", resource_metadata=' +
      '"https://gateway.test/.well-known/oauth-protected-resource/mcp"',
  );
  assert.deepEqual([events, judged], [[], ["none refused"]]);
});

Deno.test("keys identify their client at once, each of several, as header or bearer", async () => {
  const keys = new ApiKeys({
    bot: { keys: { old: OTHER, new: DIGEST }, scopes: ["a"], roles: ["r"], tier: "trial" },
  });
  const { admit, events } = scene({ keys }, "api_key");
  const ways: Record<string, string>[] = [
    { "x-api-key": KEY },
    { authorization: `Bearer ${KEY}` },
    { "x-api-key": "another" },
  ];
  for (const headers of ways) {
    const identity = admit(requestWith(headers)) as Identity;
    assert.equal(identity.principal, "key:bot");
    assert.deepEqual([...identity.scopes, ...identity.roles, identity.tier], ["a", "r", "trial"]);
  }
  const error = await refusal(() => admit(requestWith({ "x-api-key": `${KEY}x` })));
  assert.equal(error.status, 401);
  assert.equal(events.length, 1);
  assert.ok(!JSON.stringify([events, error.message, error.headers]).includes(KEY));
});

Deno.test("keys do not count on a listener that does not take them", async () => {
  const keys = new ApiKeys({ bot: { keys: { one: DIGEST }, scopes: [], roles: [] } });
  const { admit } = scene({ keys }, "jwt");
  const error = await refusal(() => admit(requestWith({ "x-api-key": KEY })));
  assert.equal(error.status, 401);
});

Deno.test("with `none` nobody has to prove anything, but what is shown must be good", async () => {
  const { admit } = scene({}, "none", "api_key");
  assert.equal(admit(requestWith()), ANONYMOUS);
  assert.equal((await refusal(() => admit(requestWith({ "x-api-key": "x" })))).status, 401);
});

Deno.test("a token is verified once, then known at once until it expires or is revoked", async () => {
  await using server = await AuthorizationServer.start();
  let nowMs = Date.now(), fetches = 0;
  const revoked = new Set<string>();
  const jwt = new JwtVerifier({
    issuers: [{
      issuer: server.issuer,
      jwksUrl: `${server.issuer}/jwks`,
      algorithms: ["RS256"],
      roles: ["member"],
      rolesClaim: "realm.roles",
    }],
    audiences: [AUDIENCE],
    clockSkewMs: 0,
    staleMs: 60_000,
    fetchBytes: async () => {
      fetches++;
      const keys = [await publicJwk(server.keys[0])];
      return new TextEncoder().encode(JSON.stringify({ keys }));
    },
    revocations: { ready: () => Promise.resolve(), has: (id) => revoked.has(id) },
  });
  const { admit, authenticator } = scene({ jwt, now: () => nowMs }, "jwt");
  const claims = { jti: "t1", scope: "a b", realm: { roles: ["admin"] } };
  const request = requestWith({ authorization: `Bearer ${await server.token(claims)}` });
  const first = admit(request);
  assert.ok(first instanceof Promise);
  const identity = await first;
  assert.equal(identity.principal, `${server.issuer} alice`);
  assert.deepEqual([...identity.scopes], ["a", "b"]);
  assert.deepEqual([...identity.roles], ["member", "admin"]);
  assert.equal(admit(request), identity, "the same object, without waiting");
  authenticator.forget();
  assert.ok(admit(request) instanceof Promise);
  await admit(request);
  revoked.add("t1");
  const error = await refusal(() => admit(request));
  assert.match(error.headers["www-authenticate"], /the token was revoked/);
  revoked.clear();
  nowMs = identity.expiresAtMs!;
  assert.ok(admit(request) instanceof Promise, "what has expired is judged anew");
  await admit(request);
  assert.equal(fetches, 1);
  const without = requestWith({ authorization: `Bearer ${await server.token()}` });
  assert.match((await refusal(() => admit(without))).message, /claim jti/);
});

Deno.test("other tokens are asked about, briefly remembered, and must be for us", async () => {
  await using server = await AuthorizationServer.start();
  const introspection = new Introspection({
    url: `${server.issuer}/introspect`,
    issuer: server.issuer,
    clientId: "gate:way",
    clientSecret: "s cret",
    audiences: [AUDIENCE],
    audienceOptional: false,
    clockSkewMs: 0,
    roles: [],
  });
  const { admit } = scene({ introspections: [introspection] }, "opaque");
  server.known.set("good", { active: true, sub: "bob", scope: "a", aud: AUDIENCE });
  server.known.set("theirs", { active: true, sub: "bob", aud: "https://other.example" });
  server.known.set("anybody's", { active: true, sub: "bob" });
  const ask = async (token: string) =>
    await admit(requestWith({ authorization: `Bearer ${token}` }));
  const [one, two] = await Promise.all([ask("good"), ask("good")]);
  assert.equal(one.principal, `${server.issuer} bob`);
  assert.equal(two.proof, "opaque");
  await ask("good");
  assert.equal(server.count("/introspect"), 1, "one question for all three");
  assert.equal(
    server.introspected[0].authorization,
    `Basic ${btoa("gate%3Away:s+cret")}`,
    "both halves are form-encoded (RFC 6749, 2.3.1)",
  );
  assert.match((await refusal(() => ask("theirs"))).message, /another audience/);
  assert.equal((await refusal(() => ask("unknown"))).status, 401);
  assert.equal((await refusal(() => ask("unknown"))).status, 401);
  assert.equal(server.count("/introspect"), 3, "what proved nothing is not asked about again");
  server.isDown = true;
  assert.equal((await refusal(() => ask("later"))).status, 503);
});

Deno.test("certificates identify clients by what they say, and until they expire", async () => {
  const fingerprint256 = "AA:".repeat(31) + "AA";
  const certificates = new Certificates({
    one: { altName: "DNS:one.test", scopes: ["a"], roles: [] },
    two: { fingerprint: fingerprint256.toLowerCase(), scopes: [], roles: ["r"] },
  });
  const { admit, events } = scene({ certificates }, "mtls");
  const tls = (altNames: string[], fingerprint = "BB") => ({
    altNames,
    fingerprint256: fingerprint,
  });
  const one = admit(requestWith({}, { tls: tls(["DNS:one.test"]) })) as Identity;
  assert.deepEqual([one.principal, one.proof], ["certificate:one", "mtls"]);
  const two = admit(requestWith({}, { tls: tls([], fingerprint256) })) as Identity;
  assert.equal(two.principal, "certificate:two");
  assert.equal((await refusal(() => admit(requestWith({}, { tls: tls(["DNS:x"]) })))).status, 401);
  assert.equal(events.length, 1);
  const old = { ...tls(["DNS:one.test"]), expiresAtMs: Date.now() - 1 };
  assert.equal((await refusal(() => admit(requestWith({}, { tls: old })))).status, 401);
  assert.equal((await refusal(() => admit(requestWith({ "x-ssl-client-cn": "one" })))).status, 401);
});
