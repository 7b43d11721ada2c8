import assert from "node:assert/strict";
import { report } from "../../../cli/check.ts";
import { proofsAt } from "../../../lib/config/auth_config.ts";
import { resolveConfig } from "../../../lib/config/load.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const KEYS = { clients: { bot: { keys: { one: DIGEST } } } };
const ISSUER = { issuer: "https://i.test", jwksUrl: "https://i.test/jwks" };

function resolve(sluice: Readonly<Record<string, unknown>>) {
  const document = {
    file: "gateway.json",
    value: { sluice },
    place: (path: readonly (string | number)[]) => `gateway.json:${path.join(".")}`,
  };
  return resolveConfig(document, {}, {});
}

async function fault(sluice: Readonly<Record<string, unknown>>): Promise<string> {
  let text = "";
  await assert.rejects(resolve(sluice), (error: Error & { advice?: string }) => {
    text = `${error.message}; ${error.advice}`;
    return true;
  });
  return text;
}

async function proofs(sluice: Readonly<Record<string, unknown>>) {
  const { auth, listen } = await resolve(sluice);
  return listen.map((endpoint) => proofsAt(auth, endpoint).join(" "));
}

Deno.test("proofsAt() asks for nothing where nothing is set up, and nowhere on stdio", async () => {
  const listen = ["http://127.0.0.1:1", "stdio:", "unix:///tmp/s"];
  assert.deepEqual(await proofs({ listen }), ["none", "none", "none"]);
  assert.deepEqual(await proofs({ listen, auth: KEYS }), ["apiKey", "none", "none"]);
});

Deno.test("proofsAt() takes every way that is set up, unless a listener says otherwise", async () => {
  const auth = { ...KEYS, issuers: { i: ISSUER }, audience: ["https://g.test"] };
  const listen = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
  const listeners = { "http://127.0.0.1:2": ["none", "apiKey"] };
  assert.deepEqual(await proofs({ listen, auth: { ...auth, listeners } }), [
    ...["apiKey jwt", "none apiKey"],
  ]);
});

Deno.test("proofsAt() counts certificates of TLS listeners that ask for them", async () => {
  const tls = "tls://127.0.0.1:1?cert=c&key=k&clientCa=a";
  assert.deepEqual(await proofs({ listen: [tls], auth: KEYS }), ["certificate"]);
  const https = "https://127.0.0.1:1/?cert=c&key=k&clientCa=a";
  assert.deepEqual(await proofs({ listen: [https], auth: KEYS }), ["apiKey"]);
});

Deno.test("a configuration under which authentication cannot work is refused", async () => {
  const http = "http://127.0.0.1:1";
  assert.match(
    await fault({ auth: { issuers: { i: ISSUER } } }),
    /does not say for whom they must be/,
  );
  assert.match(
    await fault({ listen: ["tcp://127.0.0.1:1"], auth: KEYS }),
    /which those of tcp:\/\/127\.0\.0\.1:1 cannot; .*\["none"\] under auth\.listeners/,
  );
  const certificates = { one: { commonName: "one" } };
  assert.match(await fault({ listen: [http], auth: { certificates } }), /those of http:.* cannot/);
  const elsewhere = { ...KEYS, listeners: { "http://127.0.0.1:9": ["none"] } };
  assert.match(await fault({ listen: [http], auth: elsewhere }), /is no listener/);
  const jwt = { ...KEYS, listeners: { [http]: ["jwt"] } };
  assert.match(
    await fault({ listen: [http], auth: jwt }),
    /tokens of known issuers, which is not set up/,
  );
  const carried = { ...KEYS, listeners: { [http]: ["certificate"] } };
  assert.match(await fault({ listen: [http], auth: carried }), /which it cannot carry/);
});

Deno.test("settings of authentication are refused that would not be safe", async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ clients: { a: { keys: { k: "secret" } } } }, /is no digest of a key/],
    [{ issuers: { i: { ...ISSUER, jwksUrl: "http://i.test/jwks" } } }, /is no https address/],
    [{ issuers: { i: { ...ISSUER, algorithms: ["HS256"] } } }, /is not a known value/],
    [{ issuers: { i: { ...ISSUER, algorithms: ["none"] } } }, /is not a known value/],
    [{ publicUrl: "http://g.test" }, /is no public address/],
    [{ publicUrl: "https://g.test/" }, /is no public address/],
    [{ publicUrl: "https://g.test/?x=1" }, /is no public address/],
    [{ certificates: { a: {} } }, /recognises nobody/],
    [{ clockSkewMs: 3_600_000 }, /is too large/],
  ];
  for (const [auth, expected] of cases) assert.match(await fault({ auth }), expected);
});

Deno.test("check() tells how clients prove who they are, and warns where others need not", async () => {
  const listen = ["http://0.0.0.0:1", "http://0.0.0.0:2"];
  const listeners = { "http://0.0.0.0:2": ["none"] };
  const text = report(await resolve({ listen, auth: { ...KEYS, listeners } }));
  assert.match(text, /authentication\n {2}http:\/\/0\.0\.0\.0:1\/? takes API keys\n/);
  assert.match(text, /other machines can reach http:\/\/0\.0\.0\.0:2, which asks for no auth/);
  assert.doesNotMatch(text, /can reach http:\/\/0\.0\.0\.0:1/);
});
