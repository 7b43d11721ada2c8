/**
 * An MCP server over stdio whose tool `ping-client` pings the client: `deno run -A pinging_server.ts`.
 *
 * @module
 */
// @ts-types="@modelcontextprotocol/sdk/server/mcp"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
// @ts-types="@modelcontextprotocol/sdk/server/stdio"
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

const server = new McpServer({ name: "pinging", version: "1.0.0" });
server.registerTool("ping-client", {}, async () => {
  const answer = await server.server.ping();
  return { content: [{ type: "text", text: JSON.stringify(answer) }] };
});
await server.connect(new StdioServerTransport());
