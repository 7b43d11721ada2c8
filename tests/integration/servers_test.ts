import assert from "node:assert/strict";
import type { Command } from "../../lib/core/connection.ts";
import {
  claudeFlowServer,
  echoServer,
  everythingServer,
  everythingServerOnNode,
} from "../fixtures/servers.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";

/** Server, command, tools that it lists to a client without capabilities. */
const SERVERS: readonly [string, Command | undefined, number][] = [
  ["echo_server under Node", echoServer("node"), 1],
  ["server-everything under Deno", everythingServer(), 13],
  ["server-everything under Node", everythingServerOnNode(), 13],
  ["claude-flow", claudeFlowServer(), 353],
];

for (const [name, command, toolCount] of SERVERS) {
  Deno.test({
    name: `${name} lists its tools when asked directly`,
    ignore: command === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir(); // claude-flow keeps files where it runs
      try {
        await using peer = startStdioPeer({ ...command!, cwd: folder });
        await peer.initialize();
        const { result } = await peer.request("tools/list");
        assert.equal(result.tools.length, toolCount);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
