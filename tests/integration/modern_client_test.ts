import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { bounded } from "../fixtures/child_wait.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { sluice } from "../fixtures/sluice.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";
import { type Door, WAYS } from "../fixtures/ways.ts";

/** Longer than any wait here: a probe that ran into it would fail the test. */
const PROBE_MS = 300_000;

for (const way of WAYS) {
  Deno.test(`the client of the sessionless era falls back to the handshake: ${way.name}`, async () => {
    await using opened = await way.open(everythingServer());
    const client = new Client({ name: "modern-client", version: "1.0.0" }, {
      versionNegotiation: { mode: "auto", probe: { timeoutMs: PROBE_MS } },
    });
    const transport = transportTo(opened.door);
    try {
      await bounded(client.connect(transport), "the connection of the client");
      assert.equal(client.getProtocolEra(), "legacy");
      assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
      const { tools } = await client.listTools();
      assert.equal(tools.length, 13);
      const result = await client.callTool({ name: "echo", arguments: { message: "hi" } });
      assert.deepEqual(result.content, [{ type: "text", text: "Echo: hi" }]);
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
    } finally {
      await client.close();
    }
  });
}

Deno.test("sluice proxy answers server/discover itself when the server stays silent", async () => {
  await using peer = startStdioPeer(sluice("proxy", "--", "sh", "-c", "cat >/dev/null"));
  const { error } = await peer.request("server/discover", {});
  assert.equal(error?.code, -32601);
});

function transportTo(door: Door): StreamableHTTPClientTransport | StdioClientTransport {
  if ("url" in door) return new StreamableHTTPClientTransport(door.url);
  const { program, args } = door.command;
  return new StdioClientTransport({
    command: program,
    args: [...args],
    env: Deno.env.toObject(),
    stderr: "ignore",
  });
}
