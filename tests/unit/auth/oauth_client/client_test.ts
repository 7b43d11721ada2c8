import assert from "node:assert/strict";
import type { UpstreamAuth } from "../../../../lib/config/oauth_schema.ts";
import { AuthorizerScene, isNotSent, tokenOf } from "../../../fixtures/oauth_authorizer_scene.ts";

Deno.test("UpstreamAuthorizer uses a client that is registered, by its secret", async () => {
  const basic = { token_endpoint_auth_methods_supported: ["client_secret_basic"] };
  await using scene = await AuthorizerScene.set({ metadata: basic });
  const auth = { clientId: "a-b_c", clientSecret: "s:e cret-~" };
  await scene.authorizer(auth).renewed(scene.refused());
  assert.deepEqual(scene.fake.registrations, []);
  const [{ authorization, parameters }] = scene.fake.tokens;
  assert.equal(atob(authorization!.replace("Basic ", "")), "a-b_c:s%3Ae+cret-%7E");
  assert.equal(parameters.get("client_secret"), null);
  scene.fake.options = {
    metadata: { token_endpoint_auth_methods_supported: ["client_secret_post"] },
  };
  await scene.authorizer({ ...auth, clientId: "d" }).renewed(scene.refused());
  assert.equal(scene.fake.tokens[1].parameters.get("client_secret"), "s:e cret-~");
});

Deno.test("UpstreamAuthorizer uses the document of the client where that is taken", async () => {
  const clientMetadataUrl = "https://client.test/it.json";
  await using scene = await AuthorizerScene.set({
    metadata: { client_id_metadata_document_supported: true },
  });
  await scene.authorizer({ clientMetadataUrl }).renewed(scene.refused());
  assert.equal(scene.fake.logins[0].get("client_id"), clientMetadataUrl);
  assert.deepEqual(scene.fake.registrations, []);
  await using old = await AuthorizerScene.set();
  await old.authorizer({ clientMetadataUrl }).renewed(old.refused());
  assert.equal(old.fake.logins[0].get("client_id"), "client-1");
});

Deno.test("UpstreamAuthorizer uses only the issuer that is configured", async () => {
  await using scene = await AuthorizerScene.set();
  await assert.rejects(
    scene.authorizer({ issuer: "https://other.test" }).renewed(scene.refused()),
    isNotSent(/does not name the configured issuer/),
  );
});

Deno.test("UpstreamAuthorizer asks for tokens of its own, without a person", async () => {
  await using scene = await AuthorizerScene.set({ lifetimeS: 0 });
  const auth: Partial<UpstreamAuth> = {
    type: "client_credentials",
    clientId: "c",
    clientSecret: "s",
    scopes: ["x"],
  };
  const authorizer = scene.authorizer(auth);
  await authorizer.renewed(scene.refused());
  assert.equal(tokenOf(await authorizer.proof()), undefined); // it ended at once, twice
  const [{ grant, parameters, authorization }] = scene.fake.tokens;
  assert.equal(grant, "client_credentials");
  assert.equal(parameters.get("scope"), "x");
  assert.equal(parameters.get("resource"), scene.fake.url.href);
  assert.equal(authorization, `Basic ${btoa("c:s")}`);
  assert.equal(scene.fake.tokens.length, 2);
  assert.deepEqual(scene.announced, []);
});

Deno.test("UpstreamAuthorizer signs with its key", async () => {
  await using scene = await AuthorizerScene.set();
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const base64 = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
  const auth = { type: "client_credentials", clientId: "c", privateKey, keyId: "k1" } as const;
  await scene.authorizer(auth).renewed(scene.refused());
  const [{ parameters }] = scene.fake.tokens;
  const [header, payload] = parameters.get("client_assertion")!.split(".", 2).map((part) =>
    JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")))
  );
  assert.deepEqual([header.alg, header.kid, payload.iss], ["ES256", "k1", "c"]);
  assert.equal(payload.aud, scene.fake.issuer);
  await assert.rejects(
    scene.authorizer({ ...auth, clientId: "d", privateKey: "nonsense" }).renewed(scene.refused()),
    isNotSent(/no key in PEM/),
  );
});
