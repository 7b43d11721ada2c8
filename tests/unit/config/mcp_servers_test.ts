import assert from "node:assert/strict";
import { parseDocument } from "../../../lib/config/document.ts";
import { readServerEntries } from "../../../lib/config/mcp_servers.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

async function read(value: unknown) {
  return readServerEntries(await parseDocument(JSON.stringify(value, null, 1), "c.json"));
}

async function faultOf(entry: unknown): Promise<string> {
  try {
    await read({ mcpServers: { a: entry } });
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, `not a ConfigError: ${thrown}`);
    return `${thrown.message}; ${thrown.advice}`;
  }
  throw new Error("nothing was thrown");
}

Deno.test("readServerEntries() infers the type of an entry", async () => {
  const { entries, notes } = await read({
    mcpServers: {
      a: { command: "node", args: ["x.js", 1], env: { PORT: 8080, GONE: null }, cwd: "/srv" },
      b: { url: "https://h/mcp", headers: { Authorization: "Bearer x" } },
    },
  });
  const [a, b] = entries;
  assert.equal(a.name, "a");
  assert.equal(a.command, "node");
  assert.deepEqual(a.args, ["x.js", "1"]);
  assert.deepEqual(a.env, { PORT: "8080" });
  assert.equal(a.cwd, "/srv");
  assert.equal(b.url, "https://h/mcp");
  assert.deepEqual(b.headers, { Authorization: "Bearer x" });
  assert.deepEqual(notes, []);
});

Deno.test("readServerEntries() knows the spellings of every type", async () => {
  for (
    const type of [
      "http",
      "HTTP",
      "streamable-http",
      "streamableHttp",
      "streamable_http",
      "StreamableHTTP",
      "http-stream",
    ]
  ) {
    const { entries } = await read({ servers: { a: { type, url: "http://h/mcp" } } });
    assert.equal(entries[0].url, "http://h/mcp", type);
    assert.equal(entries[0].schemePrefix, undefined, type);
  }
  for (const type of ["sse", "SSE", "http+sse"]) {
    const { entries } = await read({ servers: { a: { type, url: "http://h/sse" } } });
    assert.equal(entries[0].schemePrefix, "sse+", type);
  }
  const { entries } = await read({ servers: { a: { type: "stdio", command: "x" } } });
  assert.equal(entries[0].command, "x");
});

Deno.test("readServerEntries() reads the tables of Codex", async () => {
  const text = `model = "x"
[mcp_servers.docs]
command = "docs-server"
startup_timeout_sec = 20
[mcp_servers.docs.env]
A = "1"
[mcp_servers.web]
url = "https://h/mcp"
http_headers = { X-Team = "t" }
enabled = false
`;
  const { entries, notes } = readServerEntries(await parseDocument(text, "config.toml"));
  assert.equal(entries.length, 1);
  assert.deepEqual(entries[0].env, { A: "1" });
  assert.equal(entries[0].place(["command"]), "config.toml:3");
  assert.deepEqual(notes, [
    "mcp_servers.docs.startup_timeout_sec is ignored (config.toml:4)",
    "mcp_servers.web is disabled (config.toml:7)",
  ]);
});

Deno.test("readServerEntries() notes what it ignores", async () => {
  const { entries, notes } = await read({
    mcpServers: {
      off: { disabled: true, nonsense: 5 },
      on: { serverUrl: "http://h/", alwaysAllow: ["x"], env: {} },
    },
  });
  assert.deepEqual(entries.map(({ name, url }) => [name, url]), [["on", "http://h/"]]);
  assert.equal(entries[0].place(["url"]), "c.json:8");
  assert.deepEqual(notes, [
    "mcpServers.off.nonsense is ignored (c.json:5)",
    "mcpServers.off is disabled (c.json:3)",
    "mcpServers.on.alwaysAllow is ignored (c.json:9)",
    "mcpServers.on.env is ignored (c.json:12)",
  ]);
});

Deno.test("readServerEntries() says what is wrong with an entry, without its values", async () => {
  const golden: [unknown, string][] = [
    [{}, "mcpServers.a has neither url nor command; give one of them (c.json:3)"],
    [
      { url: "http://h/", command: "x" },
      "mcpServers.a has both url and command; keep one of them, or say which by type (c.json:3)",
    ],
    [5, "mcpServers.a is a number; give a map with url or command (c.json:3)"],
    [{ command: ["x"] }, "mcpServers.a.command is a list; give a string (c.json:4)"],
    [
      { command: "x", args: "-v" },
      "mcpServers.a.args is a string; give a list of strings (c.json:5)",
    ],
    [
      { command: "x", env: { KEY: { secret: 1 } } },
      "mcpServers.a.env.KEY is a map; give a string (c.json:6)",
    ],
    [
      { command: "x", env: { "A B": [] } },
      'mcpServers.a.env["A B"] is a list; give a string (c.json:6)',
    ],
    [{ url: "" }, "mcpServers.a.url is an empty string; give a string (c.json:4)"],
    [
      { type: "carrier-pigeon", url: "x" },
      "mcpServers.a.type is not a known type; give stdio, http or sse (c.json:4)",
    ],
    [
      { type: "http", command: "x" },
      "mcpServers.a has no url; give one, or correct its type (c.json:3)",
    ],
    [
      { url: "http://h/", disabled: "yes" },
      "mcpServers.a.disabled is a string; give true or false (c.json:5)",
    ],
  ];
  for (const [entry, expected] of golden) {
    assert.equal(await faultOf(entry), `Cannot read config: ${expected}`);
  }
});
