import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { CLAUDE_CODE } from "../fixtures/real_clients_peers.ts";
import { echoServer } from "../fixtures/servers.ts";
import { sluice, startServe } from "../fixtures/sluice.ts";

/** What the agent host gets; its own home is empty, and it has no key. */
const PASSED_ON = ["PATH", "SLUICE_CI_RUN"];
/** What Sluice under it needs to find Deno's packages. */
const DENO_NEEDS = ["HOME", "DENO_DIR", "XDG_CACHE_HOME"];
const QUIET = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
};

Deno.test("Claude Code connects over stdio, HTTP, SSE and WebSocket", {
  ignore: CLAUDE_CODE === undefined,
}, async () => {
  await using serve = await startServe(echoServer());
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/.mcp.json`, JSON.stringify(configFor(serve.url)));
    const list = await claude(folder, "list");
    for (const name of ["over-stdio", "over-http", "over-sse"]) {
      assert.match(list, new RegExp(`^${name}: .*Connected$`, "m"), list);
    }
    // Its list leaves out servers over WebSocket.
    assert.match(await claude(folder, "get", "over-ws"), /Status: .*Connected$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function configFor(url: URL) {
  const { program, args } = sluice("proxy", url.href);
  return {
    mcpServers: {
      "over-stdio": { type: "stdio", command: program, args, env: environment(DENO_NEEDS) },
      "over-http": { type: "http", url: url.href },
      "over-sse": { type: "sse", url: `${url.origin}/mcp/sse` },
      "over-ws": { type: "ws", url: `ws://${url.host}/mcp/ws` },
    },
  };
}

/** Runs `claude mcp ...` in a folder, which is its home too, and gives what it prints. */
async function claude(folder: string, ...args: string[]): Promise<string> {
  const child = new Deno.Command("node", {
    args: [CLAUDE_CODE!, "mcp", ...args],
    cwd: folder,
    clearEnv: true,
    env: { ...environment(PASSED_ON), ...QUIET, HOME: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    const { code, stdout, stderr } = await bounded(output, `claude mcp ${args.join(" ")}`);
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, said + complained);
    return said;
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // thrown when it has already ended
    }
    await output;
    throw error;
  }
}

function environment(names: readonly string[]): Record<string, string> {
  const found = names.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(
    found.filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}
