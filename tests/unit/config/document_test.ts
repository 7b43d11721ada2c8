import assert from "node:assert/strict";
import { CONFIG_BYTES_MAX, parseDocument, readDocument } from "../../../lib/config/document.ts";
import { ConfigError } from "../../../lib/core/errors.ts";

/** The line a user would read. */
async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (thrown) {
    assert.ok(thrown instanceof ConfigError, `not a ConfigError: ${thrown}`);
    return `${thrown.message}; ${thrown.advice}`;
  }
  throw new Error("nothing was thrown");
}

const JSONC = `{
  // servers
  "mcpServers": {
    "a": { "url": "http://x/" },
  },
  "sluice": {
    "listen": [
      "http://127.0.0.1:1",
      "stdio:",
    ],
  },
}`;

const YAML = `# servers
mcpServers:
  a: &entry
    url: http://x/
  b: *entry
sluice:
  listen:
    - http://127.0.0.1:1
    - "stdio:"
`;

const TOML = `# [not.a.table]
title = """
[neither.this]
key = 1
"""
[mcp_servers.a]
args = [
  "[no]", # "]
  'x = 1',
]
url = "http://x/"
"quoted key".sub = { inline = 1 }
[[list]]
name = "one"
[[list]]
name = "two"
[list.inner]
deep = true
[sluice.limits]
sessions = 5
`;

Deno.test("parseDocument() maps keys of JSONC to their lines", async () => {
  const document = await parseDocument(JSONC, "c.json");
  assert.equal(document.place(["mcpServers", "a", "url"]), "c.json:4");
  assert.equal(document.place(["sluice", "listen", 1]), "c.json:9");
  assert.equal(document.place(["sluice", "listen", 1, "gone"]), "c.json:9");
  assert.equal(document.place(["gone"]), "c.json:1");
  assert.deepEqual(document.value.sluice, { listen: ["http://127.0.0.1:1", "stdio:"] });
});

Deno.test("parseDocument() maps keys of YAML to their lines, and follows aliases", async () => {
  const document = await parseDocument(YAML, "c.yaml");
  assert.equal(document.place(["mcpServers", "a", "url"]), "c.yaml:4");
  assert.equal(document.place(["mcpServers", "b", "url"]), "c.yaml:5");
  assert.equal(document.place(["sluice", "listen", 1]), "c.yaml:9");
  const servers = document.value.mcpServers as Record<string, unknown>;
  assert.deepEqual(servers.b, { url: "http://x/" });
});

Deno.test("parseDocument() maps keys of TOML to their lines", async () => {
  const document = await parseDocument(TOML, "c.toml");
  const line = (...path: (string | number)[]) => Number(document.place(path).split(":")[1]);
  assert.equal(line("title"), 2);
  assert.equal(line("mcp_servers", "a"), 6);
  assert.equal(line("mcp_servers", "a", "args"), 7);
  assert.equal(line("mcp_servers", "a", "args", 1), 7);
  assert.equal(line("mcp_servers", "a", "url"), 11);
  assert.equal(line("mcp_servers", "a", "quoted key", "sub", "inline"), 12);
  assert.equal(line("list", 0, "name"), 14);
  assert.equal(line("list", 1, "name"), 16);
  assert.equal(line("list", 1, "inner", "deep"), 18);
  assert.equal(line("sluice", "limits", "sessions"), 20);
});

Deno.test("parseDocument() finds TOML keys behind strings that look like syntax", async () => {
  const text =
    `a = "x # \\" [b]"\nb = '''\n]]'''\nc = [[1, 2],\n [3]]\nd.e = 1979-05-27\r\nf = 2\n`;
  const document = await parseDocument(text, "c.toml");
  const lines = ["a", "b", "c", "d", "f"].map((key) => document.place([key]));
  assert.deepEqual(lines, ["c.toml:1", "c.toml:2", "c.toml:4", "c.toml:6", "c.toml:7"]);
});

Deno.test("parseDocument() names the line of a syntax error", async () => {
  const cases: [string, string, string][] = [
    [
      "c.json",
      '{\n  "a": 1\n  "b": 2\n}',
      "it is not JSON: comma expected; correct the file (c.json:3)",
    ],
    ["c.json", '{"a": 1,\n "a": 2}', 'the key "a" is given twice; keep one (c.json:2)'],
    [
      "c.yaml",
      "a: 1\na: 2\n",
      "it is not YAML: Map keys must be unique; correct the file (c.yaml:2)",
    ],
    ["c.toml", "a = 1\nb = \n", "it is not TOML: "],
    ["c.toml", "a = 1\na = 2\n", "it is not TOML: "],
    ["c.json", "", "it is empty; write {} for no settings (c.json)"],
    ["c.json", "[]", "it does not hold a map of keys; begin with mcpServers or sluice (c.json:1)"],
    [
      "c.ini",
      "",
      "its name does not tell the format; name it .json, .jsonc, .yaml, .yml, .toml (c.ini)",
    ],
  ];
  for (const [file, text, expected] of cases) {
    const fault = await faultOf(parseDocument(text, file));
    assert.ok(fault.startsWith(`Cannot read config: ${expected}`), `${file}: ${fault}`);
    assert.ok(!fault.includes("\n"));
  }
  const toml = await faultOf(parseDocument("a = 1\nb = \n", "c.toml"));
  assert.match(toml, /\(c\.toml:2\)$/);
});

Deno.test("parseDocument() refuses __proto__ in every format and pollutes nothing", async () => {
  const cases: [string, string][] = [
    ["c.json", '{"sluice":\n{"__proto__": {"polluted": true}}}'],
    ["c.yaml", "sluice:\n  __proto__:\n    polluted: true\n"],
    ["c.toml", "[sluice]\n__proto__.polluted = true\n"],
  ];
  for (const [file, text] of cases) {
    const fault = await faultOf(parseDocument(text, file));
    assert.equal(
      fault,
      `Cannot read config: a key may not be called __proto__; rename it (${file}:2)`,
    );
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("parseDocument() refuses documents that nest without end", async () => {
  const deep = 100_000;
  for (
    const [file, text] of [
      ["c.json", `{"a":${"[".repeat(deep)}${"]".repeat(deep)}}`],
      ["c.json", `{"a":${"[".repeat(70)}${"]".repeat(70)}}`],
      ["c.yaml", `a: ${"[".repeat(3000)}${"]".repeat(3000)}`],
      ["c.yaml", "a: &a [*a]"],
      ["c.toml", `a = ${"[".repeat(500)}${"]".repeat(500)}`],
    ]
  ) {
    assert.match(await faultOf(parseDocument(text, file)), /^Cannot read config: it /, file);
  }
});

Deno.test("parseDocument() refuses YAML aliases that multiply", async () => {
  const rows = Array.from({ length: 9 }, (_, row) => {
    const inner = Array.from({ length: 9 }, () => `*a${row}`).join(",");
    return `a${row + 1}: &a${row + 1} [${inner}]`;
  });
  const bomb = ["a0: &a0 [lol,lol,lol,lol,lol]", ...rows].join("\n");
  assert.match(await faultOf(parseDocument(bomb, "c.yaml")), /Excessive alias count/);
  const wide = `a: &a [${"1,".repeat(5000)}1]\n` +
    Array.from({ length: 90 }, (_, row) => `b${row}: *a`).join("\n");
  assert.match(await faultOf(parseDocument(wide, "c.yaml")), /more than 200000 values/);
});

Deno.test("readDocument() says why a file cannot be read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const large = `${folder}/large.json`;
    await Deno.writeTextFile(large, " ".repeat(CONFIG_BYTES_MAX + 1));
    const binary = `${folder}/binary.json`;
    await Deno.writeFile(binary, new Uint8Array([0x7b, 0xff, 0x7d]));
    const missing = `${folder}/missing.json`;
    await Deno.mkdir(`${folder}/folder.json`);
    assert.equal(
      await faultOf(readDocument(large)),
      `Cannot read config: it is larger than 1048576 bytes; make it smaller (${large})`,
    );
    assert.equal(
      await faultOf(readDocument(binary)),
      `Cannot read config: it is not UTF-8; save it as UTF-8 (${binary})`,
    );
    assert.equal(
      await faultOf(readDocument(missing)),
      `Cannot read config: there is no such file; check the path (${missing})`,
    );
    assert.match(
      await faultOf(readDocument(`${folder}/folder.json`)),
      /^Cannot read config: .*directory/i,
    );
    const marked = `${folder}/marked.json`;
    await Deno.writeTextFile(marked, '\ufeff{"sluice": {}}');
    assert.deepEqual((await readDocument(marked)).value, { sluice: {} });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
