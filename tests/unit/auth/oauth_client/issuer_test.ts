import assert from "node:assert/strict";
import { discoverIssuer, requirePkce } from "../../../../lib/auth/oauth_client/issuer.ts";
import { FakeOAuth, type FakeOAuthOptions } from "../../../fixtures/oauth_fake.ts";
import { webFor } from "./discovery_scene.ts";

async function discovered(options: FakeOAuthOptions, asked?: (origin: string) => string) {
  await using fake = await FakeOAuth.start(options);
  const found = await discoverIssuer(webFor(fake), asked?.(fake.origin) ?? fake.issuer);
  return { found, paths: fake.paths };
}

const [OAUTH, OPENID] = [
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
];

Deno.test("discoverIssuer() asks in the order of the specification", async () => {
  assert.deepEqual((await discovered({})).paths, [OAUTH]);
  assert.deepEqual((await discovered({ metadataPath: OPENID })).paths, [OAUTH, OPENID]);
  const tenant = { issuerPath: "/tenant", metadataPath: `/tenant${OPENID}` };
  assert.deepEqual((await discovered(tenant)).paths, [
    `${OAUTH}/tenant`,
    `${OPENID}/tenant`,
    `/tenant${OPENID}`,
  ]);
});

Deno.test("discoverIssuer() refuses metadata of another issuer", async () => {
  for (const issuer of ["https://honest.test", "HTTP://127.0.0.1", ""]) {
    await assert.rejects(discovered({ metadata: { issuer } }), /of another issuer/);
  }
  const tenant = { issuerPath: "/tenant", metadataPath: `${OAUTH}/tenant` };
  await assert.rejects(discovered(tenant, (origin) => `${origin}/tenant/`), /of another issuer/);
  // One slash at the end of an empty path is the one difference that passes.
  await discovered({}, (origin) => `${origin}/`);
});

Deno.test("discoverIssuer() refuses what is incomplete, and what is no issuer", async () => {
  for (const token_endpoint of [undefined, 5, "nonsense"]) {
    await assert.rejects(discovered({ metadata: { token_endpoint } }), /incomplete or malformed/);
  }
  await assert.rejects(discovered({ metadataPath: "/nowhere" }), /has no metadata/);
  await assert.rejects(discovered({}, (origin) => `${origin}?a`), /a query or fragment/);
  await assert.rejects(discovered({}, () => "nonsense"), /is no address/);
  await assert.rejects(discovered({}, () => "javascript:alert(1)"), /no https address/);
  await assert.rejects(discovered({}, () => "http://x.test"), /no https address/);
});

Deno.test("requirePkce() refuses a server that does not say that it knows S256", async () => {
  const { found } = await discovered({});
  requirePkce(found);
  for (const methods of [undefined, [], ["plain"]]) {
    assert.throws(
      () => requirePkce({ ...found, code_challenge_methods_supported: methods }),
      /does not say that it supports PKCE/,
    );
  }
});
