import assert from "node:assert/strict";
import { GatewayProcess, sluiceCommand } from "../fixtures/gateway_process.ts";
import { startStdioPeer, type StdioPeer } from "../fixtures/stdio_peer.ts";
import { openPreadReader } from "../../lib/shm/pread_reader.ts";

/** A server with one tool, whose name is given, that tells when its tools change. */
const server = (tool: string) => ({
  program: Deno.execPath(),
  args: ["eval", SERVER, tool],
});

const SERVER = `
import { createInterface } from "node:readline";
let name = Deno.args.at(-1);
const say = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
for await (const line of createInterface({ input: (await import("node:process")).default.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const tools = [{ name, inputSchema: { type: "object" } }];
  if (method === "initialize") {
    const capabilities = { tools: { listChanged: true } };
    const serverInfo = { name: "s", version: "1" };
    say({ id, result: { protocolVersion: params.protocolVersion, capabilities, serverInfo } });
  } else if (method === "tools/list") say({ id, result: { tools } });
  else if (method === "tools/call") {
    name = params.arguments.rename;
    say({ method: "notifications/tools/list_changed" });
    say({ id, result: { content: [] } });
  } else say({ id, error: { code: -32601, message: "no" } });
}`;

/** Nothing is kept in memory by itself: what the export does not answer goes upstream. */
const NO_MEMORY = { SLUICE_CACHE_TTL_MS: "0", SLUICE_CACHE_TOLD_MS: "0" };

function serve(path: string, tool: string): Promise<GatewayProcess> {
  return GatewayProcess.start({ command: server(tool), args: ["--shared", "--shm", path] });
}

function proxy(url: string, path: string, env: Record<string, string>): StdioPeer {
  return startStdioPeer(sluiceCommand("proxy", { args: ["--shm", path, url], env }));
}

async function toolsOf(peer: StdioPeer): Promise<string[]> {
  const { result } = await peer.request("tools/list", {});
  return result.tools.map(({ name }: { name: string }) => name);
}

/** How many lists the gateway has been asked for. */
async function listsOf({ url }: GatewayProcess): Promise<number> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  const line = /^sluice_requests_total\{method="tools\/list".*outcome="ok"\} (\d+)/m.exec(text);
  return Number(line?.[1] ?? 0);
}

/** Looks again until something is so; 30 s at most. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let count = 0; count < 600; count++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("it never came");
}

/** Resolves when a list in an export is current. */
async function exported(path: string): Promise<void> {
  using reader = openPreadReader(path, { checkIntervalMs: 0 });
  await until(() => {
    const data = reader.get("capability", "sluice/state")?.data;
    const state = data && JSON.parse(new TextDecoder().decode(data));
    return Promise.resolve(state?.isCurrent.tools === true);
  });
}

Deno.test({
  name:
    "proxy answers lists from the export of the serve behind it, and hears of changes through it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/export.bin`;
    try {
      await using gateway = await serve(path, "one");
      await exported(path);
      await using reader = proxy(gateway.url, path, NO_MEMORY);
      await using keeper = proxy(gateway.url, path, {});
      await using actor = proxy(gateway.url, path, {});
      for (const peer of [reader, keeper, actor]) await peer.initialize();
      // The first list goes upstream; the question whose export it is goes with it.
      await until(async () => {
        const before = await listsOf(gateway);
        assert.deepEqual(await toolsOf(reader), ["one"]);
        return await listsOf(gateway) === before;
      });
      assert.deepEqual(await toolsOf(keeper), ["one"]);
      await actor.request("tools/call", { name: "one", arguments: { rename: "two" } });
      // Bound of the promise: one flush, 100 ms, and one look, 10 ms; no clock is asserted here.
      await until(async () => (await toolsOf(keeper))[0] === "two");
      await until(async () => (await toolsOf(reader))[0] === "two");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "proxy never answers from the export of another serve than the one behind it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/export.bin`;
    try {
      await using _exporting = await serve(path, "theirs");
      await using other = await serve(`${path}.other`, "ours");
      await exported(path);
      await using peer = proxy(other.url, path, NO_MEMORY);
      await using bare = startStdioPeer(
        sluiceCommand("proxy", { args: ["--shm", path], command: server("bare"), env: NO_MEMORY }),
      );
      await peer.initialize();
      await bare.initialize();
      for (let count = 0; count < 50; count++) {
        assert.deepEqual(await toolsOf(peer), ["ours"]);
        assert.deepEqual(await toolsOf(bare), ["bare"]);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
