import assert from "node:assert/strict";
import {
  createMcpHandler,
  fromJsonSchema,
  InMemoryServerEventBus,
  McpServer,
} from "@modelcontextprotocol/server";
import type { Message } from "../../../../lib/core/message.ts";
import { dialStreamableHttp } from "../../../../transports/streamable_http/client.ts";
import { cancelled, modern } from "../../../fixtures/modern_http_server.ts";

const never = new AbortController().signal;

interface Scene {
  readonly bus: InMemoryServerEventBus;
  /** Resolves when the tool `wait` runs, with a promise for the end of its call. */
  readonly waiting: Promise<{ aborted: Promise<void> }>;
  send(...messages: Message[]): Promise<void>;
  next(): Promise<Message>;
}

async function withSdkServer(act: (scene: Scene) => Promise<void>): Promise<void> {
  const bus = new InMemoryServerEventBus();
  const waiting = Promise.withResolvers<{ aborted: Promise<void> }>();
  const handler = createMcpHandler(() => makeServer(waiting.resolve), { legacy: "reject", bus });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => handler.fetch(request),
  );
  const url = new URL(`http://127.0.0.1:${server.addr.port}/mcp`);
  {
    await using connection = await dialStreamableHttp({ url }, never);
    const writer = connection.writable.getWriter();
    const reader = connection.readable.getReader();
    const arrived: Message[] = [];
    const next = async () => {
      while (arrived.length === 0) arrived.push(...(await reader.read()).value!);
      return arrived.shift()!;
    };
    const send = (...batch: Message[]) => writer.write(batch);
    await act({ bus, waiting: waiting.promise, next, send });
  }
  await handler.close();
}

function makeServer(onWaiting: (call: { aborted: Promise<void> }) => void): McpServer {
  const server = new McpServer({ name: "modern", version: "1" }, {
    capabilities: { tools: { listChanged: true } },
  });
  const region = { type: "string" as const, "x-mcp-header": "Region" };
  const count = { type: "integer" as const, "x-mcp-header": "Count" };
  const inputSchema = fromJsonSchema<object>({ type: "object", properties: { region, count } });
  server.registerTool("query", { inputSchema }, (args: unknown) => ({
    content: [{ type: "text", text: JSON.stringify(args) }],
  }));
  server.registerTool("wait", {}, async ({ mcpReq }) => {
    const aborted = new Promise<void>((resolve) =>
      mcpReq.signal.addEventListener("abort", () => resolve(), { once: true })
    );
    onWaiting({ aborted });
    await aborted;
    return { content: [] };
  });
  return server;
}

const CALL = { name: "query", arguments: { region: " 北 ", count: 12 } };

Deno.test("the client meets the SDK's server without sessions", async () => {
  await withSdkServer(async ({ send, next }) => {
    await send(modern(1, "server/discover"));
    assert.ok((await next()).json().result.supportedVersions.includes("2026-07-28"));
    await send(modern(2, "no/such/method"));
    assert.equal((await next()).json().error.code, -32601);
    await send(modern(3, "tools/list"));
    assert.equal((await next()).json().result.tools.length, 2);
    await send(modern(4, "tools/call", CALL));
    assert.deepEqual(JSON.parse((await next()).json().result.content[0].text), CALL.arguments);
  });
});

Deno.test("the SDK's server refuses a call without its headers, and takes it when it has them", async () => {
  await withSdkServer(async ({ send, next }) => {
    await send(modern(1, "tools/call", CALL).withContext({ headers: {} }));
    assert.equal((await next()).json().error.code, -32020);
    await send(modern(2, "tools/call", CALL)); // the client asks for the list by itself
    assert.deepEqual(JSON.parse((await next()).json().result.content[0].text), CALL.arguments);
  });
});

Deno.test("the SDK's server stops a call whose cancellation closes the stream", async () => {
  await withSdkServer(async ({ waiting, send, next }) => {
    await send(modern(1, "tools/list")); // the call below goes over a kept connection
    await next();
    await send(modern(2, "tools/call", { name: "wait" }));
    const { aborted } = await waiting;
    await send(cancelled(2));
    await aborted;
  });
});

Deno.test("the SDK's server reports changes on a subscription", async () => {
  await withSdkServer(async ({ bus, send, next }) => {
    await send(modern(1, "subscriptions/listen", { notifications: { toolsListChanged: true } }));
    const acknowledged = await next();
    assert.equal(acknowledged.method, "notifications/subscriptions/acknowledged");
    bus.publish({ kind: "tools_list_changed" });
    const changed = await next();
    assert.equal(changed.method, "notifications/tools/list_changed");
    assert.deepEqual(changed.context, { cause: new TextEncoder().encode("1") });
    await send(cancelled(1));
  });
});
