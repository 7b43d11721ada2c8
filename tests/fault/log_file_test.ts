import assert from "node:assert/strict";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { GatewayProcess, sluiceCommand, until } from "../fixtures/gateway_process.ts";
import { echoServer } from "../fixtures/servers.ts";
import { bounded } from "../fixtures/child_wait.ts";

const ignore = Deno.build.os !== "linux";
const SELF = { name: "test", version: "1" };
/** Enough for their lines to fill a pipe twice. */
const CALLS = 1000;
const PING = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// deno-lint-ignore no-explicit-any -- lines of a log
async function linesOf(path: string): Promise<any[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

Deno.test({
  name: "serve logs calls to a file with levels of its modules, and begins it anew on SIGHUP",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/sluice.log`;
      await using gateway = await GatewayProcess.start({
        command: echoServer(),
        env: { SLUICE_LOG_PATH: path, SLUICE_LOG_LEVEL: "error", SLUICE_LOG_LEVELS: "calls=debug" },
      });
      using client = new GatewayClient(gateway.url);
      await client.initialize();
      const logged = async (count: number) => (await linesOf(path)).length >= count;
      await until(() => logged(1), "the line of the handshake");
      const [line] = await linesOf(path);
      assert.equal(line.module, "calls");
      assert.equal(line.method, "initialize");
      assert.match(line.call, /^\S{6}\.initialize$/);
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      await Deno.rename(path, `${path}.1`);
      gateway.signal("SIGHUP");
      await until(() => Deno.stat(path).then(() => true, () => false), "the new file");
      await client.post(PING);
      await until(() => logged(1), "a line in the new file");
      assert.equal((await linesOf(path))[0].method, "tools/list");
      assert.equal((await gateway.stop()).code, 0);
      assert.equal(gateway.log, "");
    }),
});

Deno.test({
  name:
    "serve goes on when the disk of its log is full: lines are counted, and one is told on stderr",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: echoServer(),
      env: { SLUICE_LOG_PATH: "/dev/full", SLUICE_LOG_LEVELS: "calls=debug" },
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    for (let i = 0; i < 50; i++) assert.equal((await client.post(PING)).status, 200);
    await until(
      async () => await gateway.metric("sluice_log_dropped_total") >= 51,
      "dropped lines",
    );
    assert.equal((await gateway.stop()).code, 0);
    assert.equal(gateway.log.match(/cannot be written/g)?.length, 1);
  },
});

Deno.test({
  name: "serve does not start with a log that it cannot open",
  ignore,
  async fn() {
    const env = { SLUICE_LOG_PATH: "/nowhere/sluice.log" };
    const { program, args, env: all } = sluiceCommand("serve", { command: echoServer(), env });
    const output = await new Deno.Command(program, { args: [...args], env: { ...all } }).output();
    assert.equal(output.code, 1);
    assert.match(
      new TextDecoder().decode(output.stderr),
      /Cannot open log \/nowhere\/sluice\.log|cannot open log/,
    );
  },
});

Deno.test({
  name: "proxy goes on, and ends in order, when nobody reads its stderr",
  ignore,
  async fn() {
    const env = { SLUICE_LOG_LEVEL: "trace" };
    const { program, args, env: all } = sluiceCommand("proxy", { command: echoServer(), env });
    const child = new Deno.Command(program, {
      args: [...args],
      env: { ...all },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped", // read by nobody: full after 64 KiB
    }).spawn();
    const writer = child.stdin.getWriter();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const ask = (request: object) =>
      writer.write(new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", ...request })}\n`));
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: SELF };
    await ask({ id: 0, method: "initialize", params });
    for (let id = 1; id <= CALLS; id++) {
      await ask({ id, method: "tools/call", params: { name: "echo", arguments: {} } });
    }
    let text = "";
    while (text.split("\n").length <= CALLS + 1) {
      const { value, done } = await bounded(lines.read(), "answers");
      assert.equal(done, false, text.slice(-500));
      text += value;
    }
    await writer.close();
    assert.equal((await bounded(child.status, "the end")).code, 0);
    await lines.cancel();
    await child.stderr.cancel();
  },
});
