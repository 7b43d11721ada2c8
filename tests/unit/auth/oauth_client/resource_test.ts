import assert from "node:assert/strict";
import { bearerChallenge } from "../../../../lib/auth/oauth_client/challenge.ts";
import {
  canonicalUri,
  discoverResource,
  httpUrl,
} from "../../../../lib/auth/oauth_client/resource.ts";
import { FakeOAuth, type FakeOAuthOptions } from "../../../fixtures/oauth_fake.ts";
import { webFor } from "./discovery_scene.ts";

const NO_CHALLENGE = bearerChallenge(undefined);

async function discovered(options: FakeOAuthOptions, challenge?: string) {
  await using fake = await FakeOAuth.start(options);
  const said = bearerChallenge(challenge?.replaceAll("ORIGIN", fake.origin));
  const found = await discoverResource(webFor(fake), fake.url, said);
  const plain = JSON.parse(JSON.stringify(found).replaceAll(fake.origin, "ORIGIN"));
  return { ...plain, paths: fake.paths };
}

Deno.test("httpUrl() and canonicalUri() name a server whatever way it is reached", () => {
  const named = (url: string) => canonicalUri(httpUrl(new URL(url)));
  assert.equal(named("sse+https://x.test/sse?a=b#c"), "https://x.test/sse");
  assert.equal(named("wss://X.test:443/ws"), "https://x.test/ws");
  assert.equal(named("ws://127.0.0.1:8080"), "http://127.0.0.1:8080");
  assert.equal(httpUrl(new URL("https://x.test/mcp?ca=f.pem&a=b")).search, "?a=b");
});

Deno.test("discoverResource() asks where the challenge says, and nowhere else", async () => {
  const path = "/somewhere/else.json";
  const found = await discovered(
    { resourcePath: path, resource: { scopes_supported: ["a"] } },
    `Bearer resource_metadata="ORIGIN${path}"`,
  );
  assert.deepEqual(found, {
    resource: "ORIGIN/mcp",
    issuers: ["ORIGIN"],
    scopes: ["a"],
    paths: [path],
  });
});

Deno.test("discoverResource() asks below the path of the server, then at the root", async () => {
  const root = "/.well-known/oauth-protected-resource";
  assert.deepEqual((await discovered({})).paths, [`${root}/mcp`]);
  const { paths } = await discovered({ resourcePath: root });
  assert.deepEqual(paths, [`${root}/mcp`, root]);
});

Deno.test("discoverResource() takes a server without metadata for its own authorization server", async () => {
  const { resource, issuers } = await discovered({ resourcePath: undefined });
  assert.deepEqual({ resource, issuers }, { resource: "ORIGIN/mcp", issuers: ["ORIGIN"] });
});

Deno.test("discoverResource() refuses metadata of another resource", async () => {
  for (const resource of ["https://evil.test/mcp", "/mcp", 5, undefined, ""]) {
    await assert.rejects(discovered({ resource: { resource } }), /of another resource/);
  }
  await using fake = await FakeOAuth.start();
  for (const path of ["/mcp/deeper", "/mc", "/other", "/mcp?x=y", "/mcp#x"]) {
    fake.options = { resource: { resource: fake.origin + path } };
    await assert.rejects(
      discoverResource(webFor(fake), fake.url, NO_CHALLENGE),
      /of another resource/,
      path,
    );
  }
  for (const path of ["", "/", "/mcp", "/mcp/"]) {
    fake.options = { resource: { resource: fake.origin + path } };
    await discoverResource(webFor(fake), fake.url, NO_CHALLENGE);
  }
});

Deno.test("discoverResource() refuses metadata that names no authorization server", async () => {
  for (const issuers of [undefined, [], "https://x.test", [5]]) {
    await assert.rejects(
      discovered({ resource: { authorization_servers: issuers } }),
      /names no authorization server/,
    );
  }
});

Deno.test("discoverResource() tells when there is nothing where the challenge says", async () => {
  await assert.rejects(
    discovered({}, 'Bearer resource_metadata="ORIGIN/nowhere"'),
    /no metadata where the server's challenge says/,
  );
  await assert.rejects(discovered({}, "Bearer resource_metadata=nonsense"), /is no address/);
  await assert.rejects(
    discovered({}, 'Bearer resource_metadata="file:///etc/passwd"'),
    /no https address/,
  );
});
