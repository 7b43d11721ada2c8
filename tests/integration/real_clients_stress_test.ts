import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { bounded } from "../fixtures/child_wait.ts";
import { MCP_STRESS } from "../fixtures/real_clients_peers.ts";
import { echoServer } from "../fixtures/servers.ts";
import { type SluiceServe, startServe } from "../fixtures/sluice.ts";

const CALLS = 2000;
const HAS_SOCAT = spawnSync("socat", ["-V"]).error === undefined;

/** How mcp-stress gets to `sluice serve`. Not with its `--sse`: 0.2.1 never ends then, whatever it tests. */
const DOORS: readonly [string, (serve: SluiceServe) => readonly string[], boolean][] = [
  ["Streamable HTTP", ({ url }) => ["--url", url.href], true],
  ["socat to TCP", (serve) => ["--", "socat", "-", `TCP:${tcpOf(serve)}`], HAS_SOCAT],
];

for (const [name, door, present] of DOORS) {
  Deno.test(`mcp-stress gets ${CALLS} answers without an error: ${name}`, {
    ignore: MCP_STRESS === undefined || !present,
  }, async () => {
    const flags = ["--listen", "tcp://127.0.0.1:0"];
    await using serve = await startServe(echoServer(), { flags });
    const { totalRequests, totalErrors } = await stress(door(serve));
    assert.deepEqual({ totalRequests, totalErrors }, { totalRequests: CALLS, totalErrors: 0 });
  });
}

function tcpOf(serve: SluiceServe): string {
  const found = /tcp:\/\/(\S+)\n/.exec(serve.stdout());
  assert.ok(found !== null, serve.stdout());
  return found[1];
}

async function stress(door: readonly string[]) {
  const home = await Deno.makeTempDir(); // it keeps a history
  const fixed = ["run", "--json", "-n", String(CALLS), "-c", "8", "--tool", "echo"];
  const child = new Deno.Command(MCP_STRESS!, {
    args: [...fixed, ...door],
    env: { HOME: home },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  try {
    const { code, stdout, stderr } = await bounded(output, "the end of mcp-stress");
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // thrown when it has already ended
    }
    await output;
    throw error;
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
