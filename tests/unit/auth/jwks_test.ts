import assert from "node:assert/strict";
import { errors, exportJWK, generateKeyPair } from "jose";
import { GatewayError, SluiceError } from "../../../lib/core/errors.ts";
import { Jwks } from "../../../lib/auth/jwks.ts";

const COOL_DOWN_MS = 30_000, FRESH_MS = 600_000, STALE_MS = 3_600_000;

/** An issuer whose keys, reachability and clock are the test's. */
class Scene {
  nowMs = 0;
  fetches = 0;
  changes = 0;
  readonly changed = Promise.withResolvers<void>();
  isDown = false;
  keys: unknown[] = [];
  readonly failures: string[] = [];
  readonly jwks = new Jwks({
    url: new URL("https://issuer.test/jwks"),
    staleMs: STALE_MS,
    nowMs: () => this.nowMs,
    onChanged: () => {
      this.changes++;
      this.changed.resolve();
    },
    onFailed: (reason) => void this.failures.push(reason),
    fetchBytes: () => {
      this.fetches++;
      if (this.isDown) return Promise.reject(new SluiceError("Cannot ask: it is down"));
      return Promise.resolve(new TextEncoder().encode(JSON.stringify({ keys: this.keys })));
    },
  });

  static async create(...kids: string[]): Promise<Scene> {
    const scene = new Scene();
    for (const kid of kids) scene.keys.push(await jwkOf(kid));
    return scene;
  }

  async find(kid: string) {
    const token = { payload: "", signature: "" };
    return await this.jwks.keyFor({ alg: "ES256", kid }, token as Parameters<Jwks["keyFor"]>[1]);
  }
}

async function jwkOf(kid: string) {
  const { publicKey } = await generateKeyPair("ES256");
  return { ...await exportJWK(publicKey), kid };
}

Deno.test("keyFor() fetches once, and finds keys by their names", async () => {
  const scene = await Scene.create("a", "b");
  await Promise.all([scene.find("a"), scene.find("b"), scene.find("a")]);
  assert.equal(scene.fetches, 1);
});

Deno.test("keyFor() asks for an unknown key at most once in 30 s", async () => {
  const scene = await Scene.create("a");
  await scene.find("a");
  for (let i = 0; i < 1000; i++) {
    await assert.rejects(scene.find(`x${i}`), errors.JWKSNoMatchingKey);
  }
  assert.equal(scene.fetches, 1);
  scene.nowMs = COOL_DOWN_MS;
  for (let i = 0; i < 1000; i++) {
    await assert.rejects(scene.find(`x${i}`), errors.JWKSNoMatchingKey);
  }
  assert.equal(scene.fetches, 2);
});

Deno.test("keyFor() finds a key that was added, and tells of the change", async () => {
  const scene = await Scene.create("a");
  await scene.find("a");
  scene.keys.push(await jwkOf("b"));
  scene.nowMs = COOL_DOWN_MS;
  await scene.find("b");
  assert.deepEqual([scene.fetches, scene.changes], [2, 1]);
});

Deno.test("keyFor() forgets a key that was withdrawn, in the background", async () => {
  const scene = await Scene.create("a", "b");
  await scene.find("a");
  scene.keys.shift();
  scene.nowMs = FRESH_MS + 1;
  await scene.find("a"); // not kept waiting
  await scene.changed.promise;
  await assert.rejects(scene.find("a"), errors.JWKSNoMatchingKey);
  assert.deepEqual([scene.fetches, scene.changes], [2, 1]);
});

Deno.test("keyFor() goes on with known keys while the issuer is down, for a bounded time", async () => {
  const scene = await Scene.create("a");
  await scene.find("a");
  scene.isDown = true;
  scene.nowMs = STALE_MS;
  await scene.find("a");
  scene.nowMs = STALE_MS + COOL_DOWN_MS + 1;
  await assert.rejects(scene.find("a"), (error: unknown) => {
    return error instanceof GatewayError && error.status === 503 && "retry-after" in error.headers;
  });
  assert.ok(scene.failures.length >= 1);
  scene.isDown = false;
  scene.nowMs += COOL_DOWN_MS;
  await scene.find("a");
});

Deno.test("keyFor() says that it cannot tell where no key was ever fetched", async () => {
  const scene = await Scene.create();
  scene.isDown = true;
  await assert.rejects(scene.find("a"), { status: 503 });
  await assert.rejects(scene.find("a"), { status: 503 });
  assert.equal(scene.fetches, 1, "not asked again at once");
});

Deno.test("keyFor() takes no shared secrets, no keys for encryption, and not too many", async () => {
  const scene = await Scene.create();
  scene.keys = [{ kty: "oct", k: "c2VjcmV0", kid: "a" }, { ...await jwkOf("b"), use: "enc" }];
  await assert.rejects(scene.find("a"), { status: 503 });
  assert.match(scene.failures[0], /0 that could be used/);
  const many = await Scene.create();
  const one = await jwkOf("a");
  many.keys = Array.from({ length: 101 }, () => one);
  await assert.rejects(many.find("a"), { status: 503 });
});

Deno.test("keyFor() does not look at keys or addresses in the header of a token", async () => {
  const scene = await Scene.create("a");
  const { publicKey } = await generateKeyPair("ES256");
  const header = {
    alg: "ES256",
    jku: "http://127.0.0.1:1/",
    jwk: await exportJWK(publicKey),
    kid: "x",
  };
  const token = { payload: "", signature: "" } as Parameters<Jwks["keyFor"]>[1];
  await assert.rejects(
    async () => await scene.jwks.keyFor(header, token),
    errors.JWKSNoMatchingKey,
  );
});
