import assert from "node:assert/strict";
import { AuthorizerScene, isNotSent } from "../../../fixtures/oauth_authorizer_scene.ts";
import type { FakeOAuthOptions } from "../../../fixtures/oauth_fake.ts";

const LIES: Readonly<Record<string, readonly [FakeOAuthOptions, RegExp]>> = {
  "another issuer answers": [{ iss: "https://evil.test" }, /unexpected "iss"/],
  "the issuer is spelt in another way": [{ issuerPath: "/t", iss: "/t/" }, /unexpected "iss"/],
  "the promised issuer is missing": [
    { iss: null, metadata: { authorization_response_iss_parameter_supported: true } },
    /"iss" \(issuer\) missing/,
  ],
  "an error comes from another issuer": [
    { iss: "https://evil.test", loginError: "SHOWN" },
    /^(?!.*SHOWN).*unexpected "iss"/,
  ],
  "the person refuses": [{ loginError: "access_denied" }, /refused, access_denied/],
  "PKCE is not supported": [
    { metadata: { code_challenge_methods_supported: ["plain"] } },
    /PKCE with S256/,
  ],
  "there is no registration": [{ metadata: { registration_endpoint: undefined } }, /give clientId/],
  "the place to log in is a script": [
    { metadata: { authorization_endpoint: "javascript:alert(1)" } },
    /no https address/,
  ],
};

for (const [when, [options, pattern]] of Object.entries(LIES)) {
  Deno.test(`UpstreamAuthorizer refuses a login when ${when}`, async () => {
    await using scene = await AuthorizerScene.set(options);
    await assert.rejects(scene.authorizer().renewed(scene.refused()), isNotSent(pattern));
    assert.deepEqual(scene.fake.tokens, []);
  });
}

Deno.test("UpstreamAuthorizer does not open the browser again right after a failed login", async () => {
  await using scene = await AuthorizerScene.set({ loginError: "access_denied" });
  const [one, other] = [scene.authorizer(), scene.authorizer()];
  const both = await Promise.allSettled([one, other].map((it) => it.renewed(scene.refused())));
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  await assert.rejects(scene.authorizer().renewed(scene.refused()), isNotSent(/access_denied/));
  assert.equal(scene.fake.logins.length, 1);
});

Deno.test("UpstreamAuthorizer gives up when nobody logs in in time", async () => {
  await using scene = await AuthorizerScene.set();
  const authorizer = scene.authorizer({ loginMs: 50 }, () => {});
  await assert.rejects(authorizer.renewed(scene.refused()), isNotSent(/nobody has logged in/));
});

Deno.test("UpstreamAuthorizer breaks a login off when it is disposed", async () => {
  await using scene = await AuthorizerScene.set();
  const begun = Promise.withResolvers<void>();
  const authorizer = scene.authorizer({}, () => begun.resolve());
  const waiting = assert.rejects(authorizer.renewed(scene.refused()), isNotSent(/gateway stops/));
  await begun.promise;
  authorizer[Symbol.dispose]();
  await waiting;
});
