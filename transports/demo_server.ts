/**
 * The server behind `builtin:demo`: something to talk to before the first real server is configured.
 * Written on the official server SDK.
 *
 * @module
 */
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/** Makes a demo server; connect it to a transport. */
export function createDemoServer(version: string): McpServer {
  const server = new McpServer(
    { name: "sluice-demo", version },
    {
      capabilities: { logging: {} },
      instructions: "A few tools to try the gateway with. Configure your own server next.",
    },
  );
  addTools(server);
  addResources(server, version);
  server.registerPrompt("greet", {
    description: "A greeting to start from.",
    argsSchema: z.object({ name: z.string().describe("whom to greet") }),
  }, ({ name }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Say hello to ${name}.` } }],
  }));
  return server;
}

function addTools(server: McpServer): void {
  server.registerTool("echo", {
    description: "Returns the message.",
    inputSchema: z.object({ message: z.string() }),
    annotations: { readOnlyHint: true },
  }, ({ message }) => text(message));

  server.registerTool("add", {
    description: "Adds two numbers.",
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    outputSchema: z.object({ sum: z.number() }),
    annotations: { readOnlyHint: true },
  }, ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }));

  server.registerTool("countdown", {
    description: "Counts down with a progress notification for each step.",
    inputSchema: z.object({ steps: z.number().int().min(1).max(100) }),
    annotations: { readOnlyHint: true },
  }, async ({ steps }, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (let step = 1; step <= steps && progressToken !== undefined; step++) {
      await mcpReq.notify({
        method: "notifications/progress",
        params: { progressToken, progress: step, total: steps },
      });
    }
    return text("lift-off");
  });
}

function addResources(server: McpServer, version: string): void {
  server.registerResource("about", "demo://about", {
    description: "What this server is.",
    mimeType: "text/plain",
  }, (uri) => ({
    contents: [{
      uri: uri.href,
      mimeType: "text/plain",
      text: `The demo server of Sluice ${version}.`,
    }],
  }));
  server.registerResource("limits", "demo://limits", {
    description: "A JSON document.",
    mimeType: "application/json",
  }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "application/json", text: '{"stepsMax":100}' }],
  }));
}

function text(value: string) {
  return { content: [{ type: "text" as const, text: value }] };
}
