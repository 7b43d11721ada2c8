import assert from "node:assert/strict";
import { resolveConfig } from "../../../lib/config/load.ts";

/** What is told of these settings under `sluice`, wherever it comes from. */
async function warned(sluice: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const upstreams = { demo: { url: "builtin:demo" } };
  const listen = ["http://127.0.0.1:1"];
  const value = { sluice: { listen, upstreams, ...sluice } };
  const document = { file: "test.json", value, place: () => "test.json:1" };
  return (await resolveConfig(document, {}, {})).warnings;
}

const KEYS = { only: `sha256:${"0".repeat(64)}` };
const CLIENTS = { bot: { keys: KEYS, roles: ["ci"] } };
const OPEN = ["http://0.0.0.0:8080"];
const ISSUER = { issuer: "https://login.test" };
const TOKENS = { publicUrl: "https://mcp.test", issuers: { one: ISSUER } };
const INTROSPECTION = {
  url: "https://login.test/introspect",
  issuer: "https://login.test",
  clientId: "sluice",
  clientSecretEnv: "S",
};

const UNSAFE: readonly (readonly [name: string, Record<string, unknown>, RegExp])[] = [
  ["keys over http", { listen: OPEN, auth: { clients: CLIENTS } }, /unencrypted to http:\/\/0\.0/],
  ["tokens over http", { listen: OPEN, auth: TOKENS }, /keys and tokens of clients go unencrypted/],
  [
    "tokens of other services",
    {
      auth: {
        publicUrl: "https://mcp.test",
        introspection: { one: { ...INTROSPECTION, audienceOptional: true } },
      },
    },
    /auth\.introspection\.one takes tokens that were made for other services/,
  ],
  [
    "a rule for a server that is not there",
    { access: { rules: { a: { servers: ["git*"] } } } },
    /access\.rules\.a allows nothing: no server is called git\*/,
  ],
  [
    "a rule for a role that nobody has",
    { auth: { clients: CLIENTS }, access: { rules: { a: { roles: ["CI", "ops"] } } } },
    /access\.rules\.a allows nothing: nobody has the role CI or ops/,
  ],
  [
    "a rule for somebody whom nobody knows",
    { auth: { clients: CLIENTS }, access: { rules: { a: { principals: ["key:bott"] } } } },
    /access\.rules\.a allows nothing: nobody is key:bott/,
  ],
  [
    "denying a name that nobody has",
    { auth: { clients: CLIENTS }, deny: { principals: ["bot"] } },
    /deny\.principals holds bot, which is nobody's name/,
  ],
  ["no authentication", { listen: OPEN }, /asks for no authentication/],
  ["any host", { http: { allowedHosts: ["*"] } }, /lets any web page reach the gateway/],
  ["any origin", { http: { allowedOrigins: ["*"] } }, /lets any web page reach the gateway/],
  [
    "secrets of ours over http",
    {
      upstreams: {
        far: { url: "http://far.test/mcp", headers: { authorization: "Bearer ${T:-x}" } },
      },
    },
    /headers of upstream far go unencrypted/,
  ],
];

for (const [name, settings, expected] of UNSAFE) {
  Deno.test(`unsafe settings are told of: ${name}`, async () => {
    const warnings = await warned(settings);
    assert.ok(warnings.some((line) => expected.test(line)), `${warnings}`);
    assert.equal(warnings.length, 1, `${warnings}`);
  });
}

const SAFE: readonly Record<string, unknown>[] = [
  {},
  { auth: { clients: CLIENTS } },
  {
    listen: OPEN,
    auth: { clients: CLIENTS },
    http: { trustedProxies: ["10.0.0.1"], allowedHosts: ["mcp.test"] },
  },
  { listen: ["https://0.0.0.0:8443?cert=c.pem&key=k.pem"], auth: { clients: CLIENTS } },
  {
    auth: { clients: CLIENTS },
    access: {
      rules: {
        a: { servers: ["de*"], roles: ["ci"], principals: ["key:b?t"] },
        b: { principals: ["anonymous"] },
      },
    },
    deny: { principals: ["key:bot"] },
  },
  {
    auth: { ...TOKENS, issuers: { one: { ...ISSUER, rolesClaim: "roles" } } },
    access: { rules: { a: { roles: ["anything"], principals: ["https://login.test alice"] } } },
    deny: { principals: ["https://login.test mallory"] },
  },
];

Deno.test("guardWarnings() has nothing to say about settings that mean something", async () => {
  for (const settings of SAFE) assert.deepEqual(await warned(settings), []);
});
