import assert from "node:assert/strict";
import { FakeOAuth } from "../../../fixtures/oauth_fake.ts";
import { AuthorizerScene, isNotSent, tokenOf } from "../../../fixtures/oauth_authorizer_scene.ts";

Deno.test("UpstreamAuthorizer proves nothing until it is asked to", async () => {
  await using scene = await AuthorizerScene.set();
  assert.deepEqual(await scene.authorizer().proof(), {});
  assert.deepEqual(scene.fake.paths, []);
});

Deno.test("UpstreamAuthorizer has a person log in, and uses the token from then on", async () => {
  await using scene = await AuthorizerScene.set();
  const authorizer = scene.authorizer();
  const proof = await authorizer.renewed(scene.refused());
  assert.equal(tokenOf(proof), "Bearer token-1");
  assert.deepEqual(authorizer.proof(), proof);
  const [login] = scene.fake.logins, [{ parameters }] = scene.fake.tokens;
  for (const sent of [login, parameters]) assert.equal(sent.get("resource"), scene.fake.url.href);
  assert.equal(login.get("code_challenge_method"), "S256");
  assert.equal(login.get("scope"), null);
  assert.equal(parameters.get("redirect_uri"), login.get("redirect_uri"));
  const [registration] = scene.fake.registrations;
  assert.equal(registration.application_type, "native");
  assert.deepEqual(registration.grant_types, ["authorization_code", "refresh_token"]);
});

Deno.test("UpstreamAuthorizer has one login for all who are refused together", async () => {
  await using scene = await AuthorizerScene.set();
  const [one, other] = [scene.authorizer(), scene.authorizer()];
  const proofs = await Promise.all(
    [one, one, other, other].map((authorizer) => authorizer.renewed(scene.refused())),
  );
  assert.deepEqual(proofs.map(tokenOf), new Array(4).fill("Bearer token-1"));
  assert.equal(scene.fake.logins.length, 1);
});

Deno.test("UpstreamAuthorizer renews a refused token once for all, and rotates", async () => {
  await using scene = await AuthorizerScene.set();
  const [one, other] = [scene.authorizer(), scene.authorizer()];
  await one.renewed(scene.refused());
  await other.proof();
  const proofs = await Promise.all(
    [one, other, one].map((authorizer) => authorizer.renewed(scene.refused(401, "token-1"))),
  );
  assert.deepEqual(proofs.map(tokenOf), new Array(3).fill("Bearer token-2"));
  await other.renewed(scene.refused(401, "token-2"));
  const refreshes = scene.fake.tokens.filter(({ grant }) => grant === "refresh_token");
  assert.deepEqual(refreshes.map(({ parameters }) => parameters.get("refresh_token")), [
    "refresh-1",
    "refresh-2",
  ]);
  assert.equal(scene.fake.logins.length, 1);
});

Deno.test("UpstreamAuthorizer renews a token before it ends", async () => {
  await using scene = await AuthorizerScene.set({ lifetimeS: 0 });
  const authorizer = scene.authorizer();
  await authorizer.renewed(scene.refused());
  scene.fake.options = { lifetimeS: 3600 };
  assert.equal(tokenOf(await authorizer.proof()), "Bearer token-2");
  assert.equal(tokenOf(await authorizer.proof()), "Bearer token-2");
  assert.equal(scene.fake.tokens.length, 2);
});

Deno.test("UpstreamAuthorizer logs in again when the refresh token is spent", async () => {
  await using scene = await AuthorizerScene.set();
  const authorizer = scene.authorizer();
  await authorizer.renewed(scene.refused());
  const path = [...Deno.readDirSync(`${scene.folder}`)].find(({ name }) => name.endsWith(".json"))!;
  const file = `${scene.folder}/${path.name}`;
  const kept = await Deno.readTextFile(file);
  await authorizer.renewed(scene.refused(401, "token-1"));
  await Deno.writeTextFile(file, kept); // as if the rotated one was lost
  const proof = await authorizer.renewed(scene.refused(401, "token-2"));
  assert.equal(tokenOf(proof), "Bearer token-1"); // what is kept may still be good
  assert.equal(tokenOf(await authorizer.renewed(scene.refused(401, "token-1"))), "Bearer token-3");
  assert.equal(scene.fake.logins.length, 2);
  assert.equal(scene.fake.registrations.length, 1);
});

Deno.test("UpstreamAuthorizer asks for more scopes besides those before, and not for ever", async () => {
  await using scene = await AuthorizerScene.set();
  const authorizer = scene.authorizer({ scopes: ["base"] });
  await authorizer.renewed(scene.refused());
  const more = (scope: string) => ({ more: `error="insufficient_scope", scope="${scope}"` });
  await authorizer.renewed(scene.refused(403, "token-1", more("a")));
  assert.deepEqual(scene.fake.logins.map((login) => login.get("scope")), ["base", "base a"]);
  await assert.rejects(
    authorizer.renewed(scene.refused(403, "token-2", more("a"))),
    isNotSent(/access is forbidden/),
  );
  await authorizer.renewed(scene.refused(403, "token-2", more("b")));
  await authorizer.renewed(scene.refused(403, "token-3", more("c")));
  await assert.rejects(
    authorizer.renewed(scene.refused(403, "token-4", more("d"))),
    isNotSent(/4 logins within 10 minutes/),
  );
  assert.equal(scene.fake.logins.length, 4);
});

Deno.test("UpstreamAuthorizer asks for what the server supports, and for offline access", async () => {
  await using scene = await AuthorizerScene.set({
    resource: { scopes_supported: ["a", "b"] },
    metadata: { scopes_supported: ["a", "offline_access"] },
  });
  await scene.authorizer().renewed(scene.refused());
  const [login] = scene.fake.logins;
  assert.equal(login.get("scope"), "a b offline_access");
  assert.equal(login.get("prompt"), "consent");
});

Deno.test("UpstreamAuthorizer gives up when a token is refused that was just given", async () => {
  await using scene = await AuthorizerScene.set();
  const authorizer = scene.authorizer();
  await authorizer.renewed(scene.refused());
  await assert.rejects(
    authorizer.renewed(scene.refused(401, "token-1", { attempt: 2 })),
    isNotSent(/refuses the token that was just given/),
  );
});

Deno.test("UpstreamAuthorizer goes to another authorization server as another client", async () => {
  await using scene = await AuthorizerScene.set();
  await using second = await FakeOAuth.start();
  const authorizer = scene.authorizer();
  await authorizer.renewed(scene.refused());
  scene.fake.options = { resource: { authorization_servers: [second.issuer] } };
  await authorizer.renewed(scene.refused(401, "token-1"));
  assert.equal(second.registrations.length, 1);
  assert.deepEqual(second.tokens.map(({ grant }) => grant), ["authorization_code"]);
  assert.equal(scene.fake.tokens.length, 1); // the refresh token went nowhere
});
