import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULTS } from "../../../lib/config/defaults.ts";
import type { ConfigFlags } from "../../../lib/config/flags.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { settingsSchema } from "../../../lib/config/schema.ts";
import { ConfigError } from "../../../lib/core/errors.ts";
import { faultOf, resolve, type Variables } from "./faults.ts";

Deno.test("DEFAULTS are what the schema fills in", () => {
  assert.deepEqual(settingsSchema.parse({}), DEFAULTS);
});

Deno.test("loadConfig() serves the demo when nothing is configured", async () => {
  const config = await loadConfig({}, {});
  assert.deepEqual(config.listen.map(({ url }) => url.href), ["http://127.0.0.1:8080/"]);
  assert.deepEqual(config.upstreams.map(({ name, sharing }) => [name, sharing]), [
    ["demo", "perSession"],
  ]);
  assert.equal(config.upstreams[0].endpoint.url.href, "builtin:demo");
  assert.deepEqual(config.limits, DEFAULTS.limits);
  assert.deepEqual(config.warnings, []);
  assert.ok(
    Object.isFrozen(config) && Object.isFrozen(config.limits) &&
      Object.isFrozen(config.upstreams[0]),
  );
});

Deno.test("loadConfig() takes the file from SLUICE_CONFIG, and from the flag before it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.toml`, "[sluice.limits]\nsessions = 1\n");
    await Deno.writeTextFile(`${folder}/b.yaml`, "sluice: {limits: {sessions: 2}}\n");
    const env = { SLUICE_CONFIG: `${folder}/a.toml` };
    assert.equal((await loadConfig({}, env)).limits.sessions, 1);
    assert.equal((await loadConfig({ config: `${folder}/b.yaml` }, env)).limits.sessions, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("resolveConfig() puts flags over environment over file over defaults", async () => {
  const file = {
    sluice: {
      listen: ["http://127.0.0.1:1"],
      limits: { sessions: 1, drainMs: 1 },
      log: { level: "warn" },
    },
  };
  const env = { SLUICE_LIMITS_SESSIONS: "2", SLUICE_LOG_LEVEL: "error", SLUICE_LOG_FORMAT: "json" };
  const flags = { logLevel: "debug", listen: ["stdio:"] };
  const config = await resolve(file, flags, env);
  assert.deepEqual(config.listen.map(({ url }) => url.href), ["stdio:"]);
  assert.equal(config.limits.sessions, 2);
  assert.equal(config.limits.drainMs, 1);
  assert.equal(config.limits.jsonDepth, DEFAULTS.limits.jsonDepth);
  assert.deepEqual(config.log, { ...DEFAULTS.log, level: "debug", format: "json" });
});

Deno.test("resolveConfig() expands entries of the file and nothing else", async () => {
  const entry = {
    command: "${BIN:-node}",
    args: ["--key=${KEY}"],
    env: { KEY: "${env:KEY}" },
    cwd: "${GONE:-/srv}",
  };
  const { upstreams } = await resolve({ mcpServers: { a: entry } }, {}, { KEY: "k" });
  assert.deepEqual(upstreams[0].endpoint.command, {
    program: "node",
    args: ["--key=k"],
    env: { KEY: "k" },
    cwd: "/srv",
  });
  const fromFlags = await resolve(undefined, { command: ["sh", "${KEY}"] }, { KEY: "k" });
  assert.deepEqual(fromFlags.upstreams[0].endpoint.command?.args, ["${KEY}"]);
});

Deno.test("resolveConfig() reads sluice.upstreams, its sharing and --shared", async () => {
  const upstreams = { a: { url: "http://h/", headers: { "X-A": "1" }, sharing: "shared" } };
  const [a] = (await resolve({ sluice: { upstreams } })).upstreams;
  assert.equal(a.sharing, "shared");
  assert.deepEqual(a.endpoint.headers, { "X-A": "1" });
  const [b] = (await resolve(undefined, { urls: ["builtin:echo"], shared: true })).upstreams;
  assert.deepEqual([b.name, b.sharing], ["upstream", "shared"]);
});

Deno.test("resolveConfig() lets a flag replace the entry of the same name", async () => {
  const file = { mcpServers: { a: { url: "http://file/" } } };
  const flags = { upstream: ["a=http://flag/"] };
  const env = { SLUICE_UPSTREAMS: "a=http://env/" };
  assert.equal((await resolve(file, flags, env)).upstreams[0].endpoint.url.host, "flag");
  assert.equal((await resolve(file, {}, env)).upstreams[0].endpoint.url.host, "env");
});

Deno.test("resolveConfig() names the flag or variable at fault", async () => {
  const level = "give one of trace, debug, info, warn, error, fatal, silent";
  const golden: [ConfigFlags, Variables, string][] = [
    [
      { logLevel: "loud" },
      {},
      `Cannot read command line: --log-level is not a known value; ${level}`,
    ],
    [
      {},
      { SLUICE_LOG_LEVEL: "x" },
      `Cannot read environment: SLUICE_LOG_LEVEL is not a known value; ${level}`,
    ],
    [
      {},
      { SLUICE_LIMITS_SESSIONS: "1e3" },
      "Cannot read environment: SLUICE_LIMITS_SESSIONS is a string; give a whole number (sessions) from 1 to 10000000",
    ],
    [
      {},
      { SLUICE_LISTEN: "stdio:, nonsense" },
      "Cannot listen on nonsense: it is not a URL; write http://HOST:PORT, https://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio: (SLUICE_LISTEN)",
    ],
    [
      {},
      { SLUICE_UPSTREAMS: "http://h/" },
      "Cannot read environment: SLUICE_UPSTREAMS is not a list of NAME=VALUE; correct it",
    ],
    [
      {},
      { SLUICE_FEATURES: "x=maybe" },
      "Cannot read environment: SLUICE_FEATURES.x is a string; give true, false or a number from 0 to 100",
    ],
    [
      { upstream: ["a=http://h/", "a=http://i/"] },
      {},
      "Cannot read config: the upstream a is named twice; rename one (--upstream)",
    ],
    [
      { requireUpstream: true },
      {},
      "Cannot proxy: no upstream is named; give a URL, or a command after --",
    ],
  ];
  for (const [flags, env, expected] of golden) {
    assert.equal(await faultOf(undefined, flags, env), expected);
  }
});

Deno.test("resolveConfig() warns about what works but may not be meant", async () => {
  const file = {
    limits: {},
    theme: "dark",
    sluice: { listen: ["http://0.0.0.0:1"], http: { allowedHosts: ["*"] } },
    mcpServers: { a: { url: "http://h/", headers: { Authorization: "Bearer hunter2" } } },
  };
  const { warnings, notes } = await resolve(file, {}, {
    SLUICE_LOG_LEVL: "x",
    SLUICE_LOG_FORMAT: "",
  });
  assert.deepEqual(warnings, [
    "the variable SLUICE_LOG_LEVL is not a setting and is ignored; did you mean SLUICE_LOG_LEVEL",
    "limits is ignored; settings stand under sluice (gateway.json:2)",
    "other machines can reach http://0.0.0.0:1, which asks for no authentication; " +
    "listen on 127.0.0.1, or give clients keys or tokens (auth)",
    "the headers of upstream a go unencrypted to http://h/; use https",
    "* in http.allowedHosts or http.allowedOrigins lets any web page reach the gateway",
  ]);
  assert.deepEqual(notes, ["theme is ignored (gateway.json:3)"]);
});

Deno.test("resolveConfig() writes hosts and origins as they come over the wire", async () => {
  const http = {
    allowedHosts: ["Gateway.Example:8080", "[::1]"],
    allowedOrigins: ["HTTPS://App.Example:443", "vscode-webview://AbC"],
  };
  const config = await resolve({ sluice: { http } });
  assert.deepEqual(config.http.allowedHosts, ["gateway.example:8080", "[::1]"]);
  assert.deepEqual(config.http.allowedOrigins, ["https://app.example", "vscode-webview://abc"]);
});

Deno.test("resolveConfig() throws nothing but ConfigError whatever stands under sluice", async () => {
  const key = fc.oneof(
    fc.constantFrom(
      ...Object.keys(DEFAULTS),
      ...Object.keys(DEFAULTS.limits),
      "url",
      "command",
      "args",
      "env",
    ),
    fc.constantFrom("constructor", "toString", "__proto__", "hasOwnProperty"),
    fc.string(),
  );
  const leaf = fc.oneof(
    fc.constantFrom("stdio:", "http://h/", "builtin:echo", "${X}"),
    fc.jsonValue(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
      fc.array(tie("tree"), { maxLength: 4 }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(tree, tree, async (sluice, mcpServers) => {
      for (const file of [{ sluice }, { mcpServers }, { sluice: { upstreams: sluice } }]) {
        try {
          await resolve(file);
        } catch (thrown) {
          assert.ok(thrown instanceof ConfigError, String((thrown as Error).stack));
        }
      }
    }),
    { numRuns: 300 },
  );
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});
