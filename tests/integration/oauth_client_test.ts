/**
 * OAuth towards a server, with a real authorization server and real processes: one login for many, and nothing
 * of it is seen by clients.
 *
 * @module
 */
import assert from "node:assert/strict";
import { OAuthScene, SCENE_ABSENCE, SERVICE_SECRET } from "../fixtures/oauth_scene.ts";

if (SCENE_ABSENCE !== undefined) console.error(`oauth: SKIPPED, ${SCENE_ABSENCE}`);

function scene(name: string, fn: (scene: OAuthScene) => Promise<void>, tokenSeconds?: number) {
  Deno.test({
    name,
    ignore: SCENE_ABSENCE !== undefined,
    async fn() {
      await using scene = await OAuthScene.set(tokenSeconds);
      await fn(scene);
    },
  });
}

scene("a person logs in once; a token that ends meanwhile is renewed unseen", async (scene) => {
  await using proxy = await scene.client();
  assert.equal(await proxy.call("read"), "read done");
  await scene.expire();
  assert.equal(await proxy.call("read"), "read done");
  const { logins, registrations, codes, refreshes, calls } = await scene.seen();
  assert.deepEqual({ logins, registrations, codes, refreshes, calls }, {
    logins: 1,
    registrations: 1,
    codes: 1,
    refreshes: 1,
    calls: ["read", "read"],
  });
  const [address, ...others] = await scene.browsed();
  assert.deepEqual(others, []);
  const parameters = new URL(address).searchParams;
  assert.equal(parameters.get("code_challenge_method"), "S256");
  assert.equal(parameters.get("resource"), scene.url);
  assert.equal(parameters.get("scope"), "tools:read offline_access");
});

scene("a call that needs more scopes asks for them and for those before", async (scene) => {
  await using proxy = await scene.client();
  assert.equal(await proxy.call("read"), "read done");
  assert.equal(await proxy.call("write"), "write done");
  assert.equal(await proxy.call("read"), "read done");
  const { logins, registrations, calls } = await scene.seen();
  assert.deepEqual({ logins, registrations, calls }, {
    logins: 2,
    registrations: 1,
    calls: ["read", "write", "read"],
  });
  const scopes = new URL((await scene.browsed())[1]).searchParams.get("scope");
  assert.deepEqual(scopes!.split(" ").sort(), ["offline_access", "tools:read", "tools:write"]);
});

scene("four proxies at once have one login, and later one renewal", async (scene) => {
  const proxies = await Promise.all(Array.from({ length: 4 }, () => scene.client()));
  try {
    const answers = await Promise.all(proxies.map((proxy) => proxy.call("read")));
    assert.deepEqual(answers, new Array(4).fill("read done"));
    assert.equal((await scene.browsed()).length, 1);
    await scene.expire();
    await Promise.all(proxies.map((proxy) => proxy.call("read")));
    const { logins, registrations, codes, refreshes } = await scene.seen();
    assert.deepEqual({ logins, registrations, codes, refreshes }, {
      logins: 1,
      registrations: 1,
      codes: 1,
      refreshes: 1,
    });
  } finally {
    for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  }
});

scene("a proxy that starts later finds the token that was granted", async (scene) => {
  {
    await using proxy = await scene.client();
    await proxy.call("read");
  }
  await using proxy = await scene.client();
  assert.equal(await proxy.call("read"), "read done");
  assert.equal((await scene.seen()).codes, 1);
});

scene("a service has tokens of its own, and no browser", async (scene) => {
  const auth = {
    type: "client_credentials",
    clientId: "a-service",
    clientSecret: "${SCENE_SECRET}",
  };
  await using proxy = await scene.client({ ...auth, scopes: ["tools:read"] });
  assert.equal(await proxy.call("read"), "read done");
  await scene.expire();
  assert.equal(await proxy.call("read"), "read done");
  assert.deepEqual(await scene.browsed(), []);
  assert.equal((await scene.seen()).own, 2);
  assert.ok(!proxy.log().includes(SERVICE_SECRET));
});

scene("tokens are nowhere but in a file for its owner", async (scene) => {
  await using proxy = await scene.client();
  await proxy.call("read");
  const [{ text, mode }, ...others] = await scene.kept();
  assert.deepEqual(others, []);
  assert.equal(mode, 0o600);
  const { grant: { accessToken, refreshToken } } = JSON.parse(text);
  const commandLine = Deno.build.os === "linux"
    ? await Deno.readTextFile(`/proc/${proxy.pid}/cmdline`)
    : "";
  for (const secret of [accessToken, refreshToken]) {
    assert.ok(secret.length > 20);
    assert.ok(!`${proxy.log()}${commandLine}`.includes(secret));
  }
});
