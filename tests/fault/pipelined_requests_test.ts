import assert from "node:assert/strict";
import { HttpListener } from "../../transports/http/listener.ts";
import { PIPELINED_MAX } from "../../transports/http/pipelines.ts";
import { StreamableHttpListener } from "../../transports/streamable_http/transport.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { EchoGateway } from "../fixtures/http_echo_gateway.ts";
import { RawClient } from "../fixtures/http_raw.ts";
import { SseScene } from "../fixtures/sse_scene.ts";

function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
    `accept: application/json, text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

function call(method: string): string {
  return post("/mcp", `{"jsonrpc":"2.0","id":1,"method":"${method}"}`);
}

async function withGateway(
  act: (port: number, gateway: EchoGateway) => Promise<void>,
): Promise<void> {
  const http = await HttpListener.bind("127.0.0.1", 0);
  const listener = new StreamableHttpListener(http);
  const gateway = new EchoGateway(listener);
  try {
    await act(http.port, gateway);
  } finally {
    await listener[Symbol.asyncDispose]();
    http.destroyConnections();
    await gateway.served;
    await http.closed;
  }
}

/** Resolves when so many answers with a status have come. */
function answers(client: RawClient, status: number, count: number): Promise<unknown> {
  return client.until(new RegExp(`(?:HTTP/1\\.1 ${status} (?:(?!HTTP/1)[^])*){${count}}`));
}

Deno.test("over HTTP the ninth request that waits behind another costs its connection, nobody else's", async () => {
  await withGateway(async (port, gateway) => {
    const [hasty, other] = [new RawClient(port), new RawClient(port)];
    hasty.write(call("hold").repeat(1 + PIPELINED_MAX));
    const held = gateway.until(() => gateway.held.length === 1 + PIPELINED_MAX);
    await bounded(held, "all that may wait");
    other.write(call("echo"));
    await bounded(answers(other, 200, 1), "the answer of another client");
    hasty.write(call("hold"));
    await bounded(hasty.ended, "the end of the connection");
    assert.equal(hasty.text, "");
    assert.equal(gateway.held.length, 1 + PIPELINED_MAX, "the last one was not handed on");
    other.write(call("echo"));
    await bounded(answers(other, 200, 2), "another answer of another client");
    await other.close();
  });
});

Deno.test("over HTTP what was answered does not count", async () => {
  await withGateway(async (port) => {
    const client = new RawClient(port);
    for (let i = 0; i < 5; i++) {
      client.write(call("echo").repeat(1 + PIPELINED_MAX));
      await bounded(answers(client, 200, 1 + PIPELINED_MAX), "the answers");
      client.text = "";
    }
    await client.close();
  });
});

Deno.test("a client that waits for each answer is never cut, however often it asks", async () => {
  await withGateway(async (port) => {
    const client = new RawClient(port);
    for (let i = 1; i <= 200; i++) {
      client.write(call("echo"));
      await bounded(client.until(/\}$/), "an answer");
      client.text = "";
    }
    await client.close();
  });
});

Deno.test("over HTTP+SSE the ninth POST that waits behind another costs its connection, not the stream", async () => {
  await using scene = await SseScene.start(() => {}, { server: { bufferBytesMax: 1 } });
  const { port } = scene.listener.http;
  const client = new RawClient(port);
  client.write("GET /mcp/sse HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
  const [, address] = await bounded(client.until(/data: (\S+)\n/), "the endpoint");
  const hasty = new RawClient(port);
  hasty.write(post(address, '{"jsonrpc":"2.0","method":"n"}').repeat(2 + PIPELINED_MAX));
  await bounded(hasty.ended, "the end of the connection");
  const reader = (await scene.connection(0)).readable.getReader();
  for (let taken = 0; taken < 1 + PIPELINED_MAX;) {
    const { value } = await bounded(reader.read(), "what was accepted");
    taken += value!.length;
  }
  const patient = new RawClient(port);
  patient.write(post(address, '{"jsonrpc":"2.0","method":"later"}'));
  assert.equal((await bounded(reader.read(), "its message")).value![0].method, "later");
  const waiting = reader.read(); // makes room
  await bounded(answers(patient, 202, 1), "an answer to another connection");
  await reader.cancel();
  await waiting;
  await patient.close();
  await client.close();
});
