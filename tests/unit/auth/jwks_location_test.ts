import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { SluiceError } from "../../../lib/core/errors.ts";
import { fetchOnBehalfOf, locateKeys } from "../../../lib/auth/jwks_location.ts";

/** A web of documents; everything else is not there. Keeps what it was asked. */
function web(documents: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  return {
    asked,
    ask: (url: URL) => {
      asked.push(url.href);
      const document = documents[url.href];
      if (document === undefined) return Promise.reject(new SluiceError("Cannot ask: 404"));
      const text = typeof document === "string" ? document : JSON.stringify(document);
      return Promise.resolve(new TextEncoder().encode(text));
    },
  };
}

const ISSUER = "https://login.test/realms/one", BARE = "https://login.test";
const KEYS = "https://keys.test/jwks";

Deno.test("locateKeys() looks where RFC 8414 says, then where OpenID Connect says", async () => {
  const last = `${ISSUER}/.well-known/openid-configuration`;
  const { ask, asked } = web({ [last]: { issuer: ISSUER, jwks_uri: KEYS } });
  assert.equal((await locateKeys(ISSUER, ask)).href, KEYS);
  assert.deepEqual(asked, [
    "https://login.test/.well-known/oauth-authorization-server/realms/one",
    "https://login.test/.well-known/openid-configuration/realms/one",
    last,
  ]);
  const bare = web({
    [`${BARE}/.well-known/openid-configuration`]: { issuer: BARE, jwks_uri: KEYS },
  });
  assert.equal((await locateKeys(BARE, bare.ask)).href, KEYS);
  assert.equal(bare.asked.length, 2);
});

Deno.test("locateKeys() takes no metadata of another issuer, and none without keys", async () => {
  const first = `${BARE}/.well-known/oauth-authorization-server`;
  const bad = [
    { issuer: "https://evil.test", jwks_uri: KEYS },
    { issuer: `${BARE}/`, jwks_uri: KEYS },
    { issuer: BARE },
    { issuer: BARE, jwks_uri: 7 },
    { issuer: BARE, jwks_uri: "no address" },
    "null",
    "{",
    "[]",
  ];
  for (const document of bad) {
    const { ask } = web({ [first]: document });
    await assert.rejects(locateKeys(BARE, ask), SluiceError, JSON.stringify(document));
  }
  await assert.rejects(locateKeys(BARE, web({}).ask), /has no metadata/);
});

Deno.test("what the metadata of a public issuer name is never on this machine or a private network", async () => {
  const ask = fetchOnBehalfOf("https://login.test");
  let reached = 0;
  const trap = http.createServer((_, res) => {
    reached++;
    res.end("{}");
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  const { port } = trap.address() as AddressInfo;
  const places = [
    ...[`http://127.0.0.1:${port}/`, `https://127.0.0.1:${port}/`, `https://127.1:${port}/`],
    ...[`https://0x7f000001:${port}/`, `https://[::ffff:127.0.0.1]:${port}/`],
    ...[`https://[64:ff9b::7f00:1]:${port}/`, `https://[2002:7f00:1::]:${port}/`],
    ...["https://169.254.169.254/latest", "https://10.0.0.1/", "file:///etc/passwd"],
    "https://user:secret@login.test/",
  ];
  for (const place of places) {
    await assert.rejects(ask(new URL(place), { bytesMax: 1000 }), Error, place);
  }
  assert.equal(reached, 0);
  trap.closeAllConnections();
  await new Promise((resolve) => trap.close(resolve));
});

Deno.test("an issuer on this machine is asked, up to a size", async () => {
  const server = http.createServer((req, res) => {
    if (req.url === "/none") res.writeHead(404);
    res.end("x".repeat(1000));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = fetchOnBehalfOf(issuer);
  assert.equal((await ask(new URL(issuer), { bytesMax: 1000 })).length, 1000);
  await assert.rejects(ask(new URL(issuer), { bytesMax: 999 }), /more than 999 bytes/);
  await assert.rejects(ask(new URL(`${issuer}/none`), { bytesMax: 1000 }), /answered 404/);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
