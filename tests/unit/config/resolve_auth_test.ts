import assert from "node:assert/strict";
import { upstreamAuth } from "../../../lib/config/oauth_schema.ts";
import { resolveUpstream, type UpstreamEntry } from "../../../lib/config/upstream_entry.ts";
import { faultOf } from "./faults.ts";

function resolved(auth: object, entry: Partial<UpstreamEntry> = {}) {
  const whole = { name: "a", url: "https://h/", path: ["a"], place: () => undefined, ...entry };
  const env = { SECRET: "s3cret" };
  return resolveUpstream({ ...whole, auth: upstreamAuth.parse(auth) }, env, {}).auth;
}

Deno.test("auth has defaults, and its variables are expanded", () => {
  assert.deepEqual(resolved({ type: "oauth", clientId: "c", clientSecret: "${SECRET}" }), {
    type: "oauth",
    clientId: "c",
    clientSecret: "s3cret",
    scopes: [],
    redirectHost: "127.0.0.1",
    redirectPort: 0,
    browser: "system",
    loginMs: 300_000,
    allowPrivateNetworks: false,
  });
});

Deno.test("auth is refused where it cannot be, or would tell a secret", () => {
  const oauth = { type: "oauth" };
  const cases: [object, Partial<UpstreamEntry>, RegExp][] = [
    [oauth, { url: "http://example.test/" }, /would send a token unencrypted/],
    [oauth, { url: "ws://example.test/" }, /would send a token unencrypted/],
    [oauth, { url: "tcp://127.0.0.1:1" }, /is for servers over HTTP/],
    [oauth, { url: undefined, command: "x" }, /is for servers over HTTP/],
    [oauth, { headers: { Authorization: "x" } }, /stands beside an authorization header/],
    [{ ...oauth, issuer: "x" }, {}, /issuer is no URL/],
    [{ ...oauth, clientMetadataUrl: "http://x/" }, {}, /is no https URL/],
  ];
  for (const [auth, entry, pattern] of cases) assert.throws(() => resolved(auth, entry), pattern);
  resolved(oauth, { url: "http://127.0.0.1:1/mcp" });
  resolved(oauth, { url: "sse+https://h/sse" });
});

Deno.test("auth must be whole", () => {
  const cases: [object, RegExp][] = [
    [{}, /type/],
    [{ type: "client_credentials" }, /has no clientId/],
    [{ type: "client_credentials", clientId: "c" }, /has no clientSecret, privateKey/],
    [{ type: "oauth", clientSecret: "s" }, /no client; give clientId/],
    [{ type: "oauth", clientId: "c", clientSecret: "s", privateKey: "k" }, /more than one of/],
    [{ type: "oauth", clientId: "c", clientMetadataUrl: "https://x/" }, /keep one of them/],
    [{ type: "oauth", scopes: ["a b"] }, /scopes/],
  ];
  for (const [auth, pattern] of cases) {
    assert.match(upstreamAuth.safeParse(auth).error!.message, pattern);
  }
});

Deno.test("an error about auth names key and line", async () => {
  const upstream = { url: "tcp://127.0.0.1:1", auth: { type: "oauth" } };
  assert.match(
    await faultOf({ sluice: { upstreams: { a: upstream } } }) ?? "",
    /sluice\.upstreams\.a\.auth is for servers over HTTP.*gateway\.json:\d+/,
  );
});
