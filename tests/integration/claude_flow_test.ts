/**
 * claude-flow behind Sluice: many tools, and habits that a gateway must bear (each test names one).
 */
import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import { connectModernClient } from "../contract/modern_client.ts";
import { connectSdkClient } from "../contract/sdk_client.ts";
import { claudeFlowServer } from "../fixtures/servers.ts";
import { startServe } from "../fixtures/sluice.ts";
import { sluice } from "../fixtures/sluice.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";
import { WAYS } from "../fixtures/ways.ts";

const SERVER = claudeFlowServer();
const TOOLS = 353;
/** PROTOCOL 2024-11-05 is what it says, whatever it is asked for. */
const ITS_VERSION = "2024-11-05";

/** Registers a test with a folder of its own, because claude-flow keeps files where it runs. */
function test(name: string, fn: (server: Command, folder: string) => Promise<void>): void {
  Deno.test({
    name: `claude-flow: ${name}`,
    ignore: SERVER === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await fn(SERVER!, folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

test("tools/list is the same, byte for byte, over stdio and HTTP", async (server, folder) => {
  const direct = await listOverStdio({ ...server, cwd: folder });
  assert.ok(direct.length > 250_000, `${direct.length} characters`);
  const proxied = sluice("proxy", "--", server.program, ...server.args);
  assert.ok(await listOverStdio({ ...proxied, cwd: folder }) === direct, "over stdio it differs");
  await using serve = await startServe(server, { cwd: folder });
  assert.ok(await listOverHttp(serve.url) === direct, "over HTTP it differs");
});

for (const way of WAYS) {
  test(`a client works with it: ${way.name}`, async (server, folder) => {
    await using door = await way.open(server, folder);
    await using sdk = await connectSdkClient(door);
    const { client } = sdk;
    assert.equal(client.getServerVersion()?.name, "ruflo");
    assert.equal((await client.listTools()).tools.length, TOOLS);

    // It promises resources, and knows nothing of them.
    assert.ok(client.getServerCapabilities()?.resources);
    await assert.rejects(client.listResources(), { code: -32601 });

    // It answers a notification that it does not know, with an error without an id.
    await client.sendRootsListChanged();
    await client.ping();

    const { content, isError } = await client.callTool({ name: "mcp_status", arguments: {} });
    assert.ok(!isError, JSON.stringify(content));
    assert.match(JSON.stringify(content), /running/);
  });
}

for (const way of WAYS) {
  test(`a client of the sessionless era works with it: ${way.name}`, async (server, folder) => {
    await using door = await way.open(server, folder);
    await using modern = await connectModernClient(door, { isAskable: false });
    assert.equal(modern.era, "modern");
    assert.equal(modern.client.getServerVersion()?.name, "ruflo");
    assert.equal((await modern.client.listTools()).tools.length, TOOLS);
    // Over HTTP the client shows the body of the 404 that the specification asks for.
    const isUnknown = ({ code, message }: { code: unknown; message: string }) =>
      code === -32601 || /"code":-32601/.test(message);
    await assert.rejects(modern.client.listResources(), isUnknown);
    assert.match(await modern.call("mcp_status"), /running/);
  });
}

test("its own protocol version reaches the client", async (server, folder) => {
  const proxied = sluice("proxy", "--", server.program, ...server.args);
  await using peer = startStdioPeer({ ...proxied, cwd: folder });
  const { result } = await peer.initialize("2025-11-25");
  assert.equal(result.protocolVersion, ITS_VERSION);
});

/** The text of the result of `tools/list`. */
async function listOverStdio(command: Command): Promise<string> {
  await using peer = startStdioPeer(command);
  await peer.initialize();
  await peer.sendLine('{"jsonrpc":"2.0","id":"list","method":"tools/list"}');
  for (;;) {
    const line = await peer.nextLine();
    if (line.includes('"id":"list"')) return resultOf(line);
  }
}

async function listOverHttp(url: URL): Promise<string> {
  const session: Record<string, string> = {};
  const post = async (message: unknown) => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...session,
      },
      body: JSON.stringify(message),
    });
    session["mcp-session-id"] ??= response.headers.get("mcp-session-id") ?? "";
    assert.ok(response.ok, `status ${response.status}`);
    return await response.text();
  };
  const clientInfo = { name: "fetch", version: "1.0.0" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  await post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
  await post({ jsonrpc: "2.0", method: "notifications/initialized" });
  return resultOf(await post({ jsonrpc: "2.0", id: "list", method: "tools/list" }));
}

/** The bytes of an answer after its envelope; the server puts the result last. */
function resultOf(answer: string): string {
  const start = answer.indexOf('"result":');
  assert.ok(start > 0, `no result in ${answer.slice(0, 200)}`);
  return answer.slice(start).trimEnd();
}
