import assert from "node:assert/strict";
import { parseDocument } from "../../../lib/config/document.ts";
import type { UpstreamConfig } from "../../../lib/config/gateway_config.ts";
import { resolveConfig } from "../../../lib/config/load.ts";
import { ConfigError } from "../../../lib/core/errors.ts";
import { faultOf, resolve } from "./faults.ts";

/** What each way dials, with its priority. */
const waysOf = ({ endpoints }: UpstreamConfig) =>
  endpoints.map(({ endpoint: { url, command }, priority }) => [
    command === undefined ? url.href : [command.program, ...command.args].join(" "),
    priority,
  ]);

const ENDPOINTS = [
  { url: "ws://${HOST}/", headers: { "x-key": "${KEY}" }, priority: 9 },
  { command: "node", args: ["${HOST}.js"] },
];

Deno.test("resolveConfig() takes several endpoints of one upstream, variables included", async () => {
  const env = { HOST: "h", KEY: "k" };
  for (const key of ["upstreams", "servers"]) {
    const file = { sluice: { [key]: { a: { endpoints: ENDPOINTS } } } };
    const { upstreams: [a] } = await resolve(file, {}, env);
    assert.deepEqual(waysOf(a), [["ws://h/", 9], ["node h.js", undefined]]);
    assert.deepEqual(a.endpoint, a.endpoints[0].endpoint);
    assert.deepEqual(a.endpoint.headers, { "x-key": "k" });
    assert.equal(a.quorum, false);
  }
});

Deno.test("resolveConfig() makes the URLs of the command line one upstream, the command the last resort", async () => {
  const { upstreams } = await resolve(undefined, {
    urls: ["ws://a/", "http://b/mcp"],
    command: ["node", "x"],
  });
  assert.equal(upstreams.length, 1);
  assert.deepEqual(waysOf(upstreams[0]), [
    ["ws://a/", undefined],
    ["http://b/mcp", undefined],
    ["node x", undefined],
  ]);
});

Deno.test("resolveConfig() lays the breaker of an upstream over that of all, and that over the defaults", async () => {
  const file = {
    sluice: {
      breaker: { failures: 7, errorRate: 0.25 },
      upstreams: { a: { url: "http://h/", breaker: { failures: 2 } } },
    },
  };
  const { upstreams } = await resolve(file, { upstream: ["b=http://b/"] });
  const rest = {
    errorRate: 0.25,
    windowMs: 10_000,
    openMs: 30_000,
    successes: 2,
    securityEvents: 0,
  };
  assert.deepEqual(upstreams.map(({ breaker }) => breaker), [
    { failures: 2, ...rest },
    { failures: 7, ...rest },
  ]);
  const variables = { SLUICE_BREAKER_ERROR_RATE: "0.75" };
  const { upstreams: [c] } = await resolve(undefined, { urls: ["http://c/"] }, variables);
  assert.equal(c.breaker.errorRate, 0.75);
});

const upstream = (a: unknown) => ({ sluice: { upstreams: { a } } });

const FAULTS: [unknown, string][] = [
  [
    upstream({ endpoints: [{ url: "http://h/" }, { headers: {} }] }),
    "Cannot read config: sluice.upstreams.a.endpoints[1] has neither url nor command; give one of them (gateway.json:9)",
  ],
  [
    upstream({ endpoints: [{ url: "http://h/" }, { url: "bad://h/" }] }),
    "Cannot use upstream bad://h/: bad is not a known scheme",
  ],
  [
    upstream({ url: "http://h/", endpoints: [{ url: "http://h/" }] }),
    "Cannot read config: sluice.upstreams.a has endpoints and url; move it into one of them",
  ],
  [
    upstream({ endpoints: [{ url: "http://h/" }, { url: "builtin:echo" }] }),
    "Cannot use upstream builtin:echo: it is no connection, and cannot be one of several endpoints",
  ],
  [
    upstream({ url: "http://h/", quorum: true }),
    "Cannot read config: sluice.upstreams.a has a quorum of one; give endpoints",
  ],
  [
    upstream({ endpoints: [{ url: "http://h/", priority: 11 }] }),
    "Cannot read config: sluice.upstreams.a.endpoints[0].priority is too large; give a number (1 to 10)",
  ],
  [
    { sluice: { breaker: { errorRate: 2 } } },
    "Cannot read config: sluice.breaker.errorRate is too large; give a number (0 to 1)",
  ],
  [
    { sluice: { servers: { a: { url: "http://h/" } }, upstreams: {} } },
    "Cannot read config: sluice.servers and sluice.upstreams are the same; move everything into one of them (gateway.json:3)",
  ],
  [
    { sluice: { servers: { a: { url: "http://h:x/" } } } },
    "Cannot use upstream http://h:x/: it is not a URL",
  ],
];

Deno.test("resolveConfig() says what is wrong with endpoints and breakers", async () => {
  for (const [file, line] of FAULTS) {
    const told = await faultOf(file);
    assert.ok(told.startsWith(line), `${told}\n${line}`);
    assert.match(told, /\(gateway\.json:\d+\)$/);
  }
});

const CLAUDE_FLOW = `
[mcp]
transport = "hybrid"

[mcp.erlmcp]
websocket.url = "ws://localhost:8080/mcp/ws"
websocket.compression = true
stdio.command = "erl"
stdio.args = ["-s", "erlmcp_app", "-config", "config/claude_flow.config"]
shared_memory.enabled = true
shared_memory.path = "/dev/shm/erlmcp_export.bin"

[cache]
l1.enabled = true
`;

/** Resolves a TOML file. */
async function toml(text: string) {
  return await resolveConfig(await parseDocument(text, "flow.toml"), {}, {});
}

Deno.test("resolveConfig() understands the hybrid transport of claude-flow, and notes what it has no use for", async () => {
  const { upstreams, notes, warnings } = await toml(CLAUDE_FLOW);
  assert.deepEqual(upstreams.map(({ name }) => name), ["erlmcp"]);
  assert.deepEqual(waysOf(upstreams[0]), [
    ["ws://localhost:8080/mcp/ws", undefined],
    ["erl -s erlmcp_app -config config/claude_flow.config", undefined],
  ]);
  assert.deepEqual(notes, [
    "mcp.erlmcp.shared_memory is ignored (flow.toml:10)",
    "cache is ignored (flow.toml:13)",
  ]);
  assert.deepEqual(warnings, []);
});

Deno.test("resolveConfig() takes only the way that claude-flow's transport names", async () => {
  const { upstreams, notes } = await toml(CLAUDE_FLOW.replace("hybrid", "stdio"));
  assert.equal(waysOf(upstreams[0]).length, 1);
  assert.ok(notes.some((note) => note.startsWith("mcp.erlmcp.websocket is ignored")));
});

Deno.test("resolveConfig() says what is wrong in claude-flow's table", async () => {
  const wrong: [string, string][] = [
    ['[mcp]\ntransport = "pigeon"', "mcp.transport is not a known transport"],
    ['[mcp]\ntransport = "stdio"\n[mcp.a]\nx = 1', "mcp.a has no way to the server"],
    ['[mcp]\ntransport = "stdio"\n[mcp.a]\nstdio.args = []', "mcp.a.stdio has no command"],
    ['[mcp]\ntransport = "hybrid"\n[mcp.a]\nhttp.url = 7', "mcp.a.http.url is a number"],
  ];
  for (const [text, why] of wrong) {
    const isMeant = (error: Error) =>
      error instanceof ConfigError && error.message === `Cannot read config: ${why}`;
    await assert.rejects(toml(text), isMeant, why);
  }
});

Deno.test("resolveConfig() leaves a table of that name alone that is something else", async () => {
  const file = { mcp: { servers: { a: { url: "http://h/" } } } };
  const { upstreams, notes } = await resolve(file);
  assert.equal(upstreams[0].name, "demo");
  assert.deepEqual(notes, ["mcp is ignored (gateway.json:2)"]);
});
