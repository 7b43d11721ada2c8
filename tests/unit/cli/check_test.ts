import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

/** Runs the program as a process of its own. */
async function sluice(argv: string[], cwd: string, env: Record<string, string> = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", MAIN, ...argv],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

async function inFolder(files: Record<string, string>, work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const YAML = `mcpServers:
  tickets:
    url: https://tickets.example/mcp?key=hunter2
    headers:
      Authorization: Bearer \${TOKEN}
    alwaysAllow: [x]
sluice:
  listen: ["http://127.0.0.1:0", "http://0.0.0.0:8081"]
  limits:
    sessions: 5
`;

Deno.test("sluice check prints what would run, without its secrets", async () => {
  await inFolder({ "c.yaml": YAML }, async (folder) => {
    const result = await sluice(["check", "--config", "c.yaml"], folder, { TOKEN: "hunter3" });
    const [head, ...rest] = result.stdout.split("\n");
    assert.match(
      head,
      /^sluice \d+\.\d+\.\d+: the configuration from c\.yaml is valid and would run$/,
    );
    assert.deepEqual(rest, [
      "listen",
      "  http://127.0.0.1:0/mcp (Streamable HTTP), on a free port",
      "  http://0.0.0.0:8081/mcp (Streamable HTTP)",
      "upstreams",
      "  tickets: https://tickets.example/mcp?key=*** (one connection per session)",
      "    header Authorization=***",
      "settings that differ from the defaults",
      "  limits.sessions = 5 (default 10000)",
      "warnings",
      "  other machines can reach http://0.0.0.0:8081, which asks for no authentication; " +
      "listen on 127.0.0.1, or give clients keys or tokens (auth)",
      "ignored",
      "  mcpServers.tickets.alwaysAllow is ignored (c.yaml:6)",
      "not available",
      "  TLS 1.3 0-RTT (early data): the runtime does not offer it",
      "",
    ]);
    assert.equal(result.stderr, "");
    assert.equal(result.code, 0);
    assert.doesNotMatch(result.stdout, /hunter/);
  });
});

const SEVERAL = {
  mcpServers: { "my files": { command: "files" }, mail: { url: "http://127.0.0.1:9/mcp" } },
  sluice: {
    upstreams: {
      mail: { tools: { allow: ["read_*"], deny: ["x"] }, start: "eager", idleStopMs: 5 },
    },
  },
};

Deno.test("sluice check prints every server with its prefix and what is shown of it", async () => {
  await inFolder({ "c.json": JSON.stringify(SEVERAL) }, async (folder) => {
    const { stdout, code } = await sluice(["check", "--config", "c.json"], folder);
    assert.equal(code, 0);
    const lines = stdout.split("\n");
    const at = lines.indexOf("upstreams");
    assert.deepEqual(lines.slice(at, at + 8), [
      "upstreams",
      "  my files: files (one process per session)",
      "    tools and prompts as my_files__NAME",
      "  mail: http://127.0.0.1:9/mcp (one connection per session)",
      "    tools and prompts as mail__NAME",
      "    tools allowed: read_*",
      "    tools denied: x",
      "    reached when the gateway starts",
    ]);
    assert.equal(lines[at + 8], "    stopped when idle for 5 ms");
  });
});

Deno.test("sluice check masks variables and secret arguments of a command", async () => {
  const command = [
    "node",
    "x.js",
    "--api-key",
    "hunter2",
    "--token=hunter3",
    "postgres://u:hunter4@h/db",
  ];
  await inFolder({}, async (folder) => {
    const result = await sluice(["check", "--", ...command], folder);
    assert.match(
      result.stdout,
      /node x\.js --api-key \*\*\* --token=\*\*\* postgres:\/\/\*\*\*@h\/db/,
    );
    assert.doesNotMatch(result.stdout, /hunter/);
  });
});

Deno.test("sluice check exits with 2 and file:line on a bad file", async () => {
  const files = {
    "gateway.json": '{\n  // limits\n  "sluice": {\n    "limits": { "mesageBytes": 1 }\n  }\n}\n',
    "broken.toml": "[sluice]\nlisten = [\n",
  };
  await inFolder(files, async (folder) => {
    assert.deepEqual(await sluice(["check", "--config", "gateway.json"], folder), {
      code: 2,
      stdout: "",
      stderr: "sluice: Cannot read config: sluice.limits.mesageBytes is not a setting; " +
        "did you mean messageBytes (gateway.json:4)\n",
    });
    const broken = await sluice(["check", "--config", "broken.toml"], folder);
    assert.equal(broken.code, 2);
    assert.match(
      broken.stderr,
      /^sluice: Cannot read config: it is not TOML: .*; .* \(broken\.toml:\d\)\n$/,
    );
  });
});

Deno.test("sluice --version prints the version of deno.json", async () => {
  const manifest = JSON.parse(
    Deno.readTextFileSync(new URL("../../../deno.json", import.meta.url)),
  );
  await inFolder({}, async (folder) => {
    const result = await sluice(["--version"], folder);
    assert.deepEqual(result, { code: 0, stdout: `sluice ${manifest.version}\n`, stderr: "" });
  });
});
