import assert from "node:assert/strict";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport";
import { bounded } from "../fixtures/child_wait.ts";
import {
  connectRealClient,
  FORM,
  overHttp,
  overSse,
  overStdio,
  overWebSocket,
  type RealClient,
  SAMPLED,
} from "../fixtures/real_clients_sdk.ts";
import { everythingServer } from "../fixtures/servers.ts";
import { sluice, startServe } from "../fixtures/sluice.ts";

/** How the SDK's client gets to `sluice serve`. */
const TRANSPORTS: Record<string, (url: URL) => Transport> = {
  "stdio, with a proxy": (url) => overStdio(sluice("proxy", url.href)),
  "Streamable HTTP": overHttp,
  "HTTP+SSE": (url) => overSse(new URL("/mcp/sse", url)),
  "WebSocket": (url) => overWebSocket(new URL("/mcp/ws", url.href.replace(/^http/, "ws"))),
};

Deno.test("an SDK client works over every transport of one serve", async (t) => {
  await using serve = await startServe(everythingServer());
  for (const [name, open] of Object.entries(TRANSPORTS)) {
    await t.step(name, async () => {
      await using real = await connectRealClient(open(serve.url));
      await bounded(converse(real), name);
    });
  }
  await t.step("all at once, and only SSE sessions outlive their clients", async () => {
    const conversations = Object.values(TRANSPORTS).map(async (open) => {
      await using real = await connectRealClient(open(serve.url));
      await converse(real);
    });
    await bounded(Promise.all(conversations), "four conversations at once");
    await bounded(sessionsFallTo(2, serve.url), "the end of the other sessions");
  });
  const { code } = await serve.stop();
  assert.equal(code, 0, serve.stderr());
});

async function converse(real: RealClient): Promise<void> {
  const { client, call } = real;
  assert.equal(client.getServerVersion()?.name, "mcp-servers/everything");
  const names = (await client.listTools()).tools.map(({ name }) => name);
  assert.ok(names.includes("echo"), names.join());
  assert.equal(await call("echo", { message: "é 漢 🦕" }), "Echo: é 漢 🦕");
  await progress(real);
  const sampled = await call("trigger-sampling-request", { prompt: "Why?", maxTokens: 5 });
  assert.match(sampled, new RegExp(SAMPLED));
  assert.match(await call("trigger-elicitation-request"), new RegExp(`Name: ${FORM.name}`));
}

/** The SDK drops progress that comes together with the answer (typescript-sdk#2580): look before it. */
async function progress({ client }: RealClient): Promise<void> {
  const transport = client.transport!;
  const { onmessage } = transport;
  const arrived: unknown[] = [];
  transport.onmessage = (message, extra) => {
    if (!("method" in message)) arrived.push("answer");
    else if (message.method === "notifications/progress") arrived.push(message.params?.progress);
    onmessage?.(message, extra);
  };
  const params = { name: "trigger-long-running-operation", arguments: { duration: 0.2, steps: 5 } };
  await client.callTool(params, undefined, { onprogress: () => {} });
  transport.onmessage = onmessage;
  assert.deepEqual(arrived, [1, 2, 3, 4, 5, "answer"]);
}

/** A client over SSE cannot say that it leaves: its session waits a minute for it to come back. */
async function sessionsFallTo(count: number, url: URL): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(new URL("/metrics", url))).text();
    if (new RegExp(`^sluice_sessions ${count}$`, "m").test(metrics)) return;
  }
}
