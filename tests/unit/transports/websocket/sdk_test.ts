import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { WebSocketClientTransport } from "@modelcontextprotocol/sdk/client/websocket.js";
import { EmptyResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { result } from "../../../../lib/core/compose.ts";
import type { Batch, Connection } from "../../../../lib/core/connection.ts";
import type { Message } from "../../../../lib/core/message.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { EchoListener } from "./echo_listener.ts";

Deno.test("the SDK's client talks to a WebSocket listener", async () => {
  await using listener = await EchoListener.bind({}, serve);
  const client = new Client({ name: "test", version: "1" });
  await bounded(client.connect(new WebSocketClientTransport(listener.url)), "the handshake");
  assert.equal(client.getServerVersion()?.name, "sluice");
  const ping = { method: "ping" };
  const answers = Array.from({ length: 50 }, () => client.request(ping, EmptyResultSchema));
  assert.equal((await bounded(Promise.all(answers), "the answers")).length, 50);
  const closed = new Promise<void>((resolve) => client.onclose = resolve);
  await client.close();
  await bounded(closed, "the end");
});

function serve({ readable, writable }: Connection): Promise<void> {
  const answers = new TransformStream<Batch, Batch>({
    transform(batch, controller) {
      const requests = batch.filter(({ kind }) => kind === "request");
      if (requests.length > 0) controller.enqueue(requests.map(answer));
    },
  });
  return readable.pipeThrough(answers).pipeTo(writable);
}

function answer(message: Message): Message {
  if (message.method !== "initialize") return result(message.id!, {});
  const { protocolVersion } = message.json().params;
  const serverInfo = { name: "sluice", version: "1" };
  return result(message.id!, { protocolVersion, capabilities: {}, serverInfo });
}
