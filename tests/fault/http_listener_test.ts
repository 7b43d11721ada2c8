import assert from "node:assert/strict";
import { notification } from "../../lib/core/compose.ts";
import { EchoGateway } from "../fixtures/http_echo_gateway.ts";
import { rawAnswer, RawClient } from "../fixtures/http_raw.ts";
import { HttpListener } from "../../transports/http/listener.ts";
import type { HttpListenerOptions } from "../../transports/http/listener_options.ts";
import { StreamableHttpListener } from "../../transports/streamable_http/transport.ts";
import { ConnectionLimits } from "../../transports/guard/connection_limits.ts";

const HEAD = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const GET = "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n";

async function withListener(
  options: HttpListenerOptions,
  act: (listener: HttpListener, gateway: EchoGateway) => Promise<void>,
): Promise<void> {
  const http = await HttpListener.bind("127.0.0.1", 0, options);
  const listener = new StreamableHttpListener(http);
  const gateway = new EchoGateway(listener);
  try {
    await act(http, gateway);
  } finally {
    await listener[Symbol.asyncDispose]();
    http.destroyConnections();
    await gateway.served;
    await http.closed;
  }
}

const IMPATIENT = {
  headersTimeoutMs: 200,
  requestTimeoutMs: 300,
  idleTimeoutMs: 100,
  checkIntervalMs: 50,
};

Deno.test("slow clients are closed, with 408 where a request had begun", async () => {
  await withListener(IMPATIENT, async ({ port }) => {
    const [silent, partial, body, idle] = await Promise.all([
      rawAnswer(port, ""),
      rawAnswer(port, "GET / HTTP/1.1\r\nhost: loc"),
      rawAnswer(port, `${HEAD}content-length: 1000\r\n\r\n{`),
      rawAnswer(port, "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ]);
    assert.deepEqual(partial.statuses, [408]);
    assert.deepEqual(body.statuses, [408]);
    assert.deepEqual(idle.statuses, [404], "an answer, then nothing: just closed");
    assert.ok(silent.statuses.every((status) => status === 408));
  });
});

Deno.test("what is wrong behind a refused head does not take its refusal away", async () => {
  await withListener({}, async ({ port }) => {
    const foreign = "POST /mcp HTTP/1.1\r\nhost: a\r\ntransfer-encoding: ";
    for (const rest of ["xchunked\r\n\r\n0\r\n\r\n", "chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"]) {
      const { statuses } = await rawAnswer(port, foreign + rest);
      assert.deepEqual(statuses, [403], rest);
    }
  });
});

Deno.test("an event stream outlives the timeouts of requests", async () => {
  await withListener(IMPATIENT, async ({ port }, gateway) => {
    const client = new RawClient(port);
    client.write(`${GET}\r\n`);
    await client.until(/event-stream/);
    await rawAnswer(port, "GET / HTTP/1.1\r\nhost: loc"); // takes longer than each of them
    await rawAnswer(port, `${HEAD}content-length: 1000\r\n\r\n{`);
    assert.equal(gateway.streams[0].gone, false);
    await client.close();
  });
});

Deno.test("ambiguous requests are refused and their connection closed", async () => {
  const fields = Array.from({ length: 101 }, (_, i) => `x${i}: a\r\n`).join("");
  const chunked = "transfer-encoding: chunked\r\n";
  const cases: Record<string, [string, number]> = {
    "no Host": ["GET /mcp HTTP/1.1\r\n\r\n", 400],
    "two Hosts": ["GET /mcp HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\n\r\n", 400],
    "other host in the target": ["GET http://evil/mcp HTTP/1.1\r\nhost: localhost\r\n\r\n", 400],
    "two Origins": [`${GET}origin: http://localhost\r\norigin: http://evil\r\n\r\n`, 400],
    "HTTP/1.0 with a coding": [
      `POST /mcp HTTP/1.0\r\nhost: localhost\r\n${chunked}\r\n0\r\n\r\n`,
      400,
    ],
    "length and coding": [`${HEAD}content-length: 5\r\n${chunked}\r\n0\r\n\r\n`, 400],
    "two lengths": [`${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`, 400],
    "space before colon": [`${HEAD}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
    "bare LF": ["POST /mcp HTTP/1.1\nhost: localhost\ncontent-length: 0\n\n", 400],
    "bare CR": [`${HEAD}x: a\rb\r\n\r\n`, 400],
    "NUL": [`${HEAD}x: a\0b\r\n\r\n`, 400],
    "folded": [`${HEAD}x: 1\r\n ${chunked}\r\n0\r\n\r\n`, 400],
    "101 fields": [`GET /mcp HTTP/1.1\r\nhost: localhost\r\n${fields}\r\n`, 431],
    "17 KiB of fields": [`${GET}x: ${"a".repeat(17 * 1024)}\r\n\r\n`, 431],
    "TLS": ["\x16\x03\x01\x00\xa5\x01\x00\x00", 400],
    "HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    "foreign Host": ["GET /mcp HTTP/1.1\r\nhost: evil\r\n\r\n", 403],
  };
  const refused: number[] = [];
  await withListener({ onRefused: (status) => refused.push(status) }, async ({ port }, gateway) => {
    for (const [what, [bytes, status]] of Object.entries(cases)) {
      const { statuses } = await rawAnswer(port, bytes);
      assert.deepEqual(statuses, [status], what);
    }
    assert.equal(gateway.exchanges.length, 0);
    assert.equal(refused.length, Object.keys(cases).length);
  });
});

Deno.test("100 header fields are fine, and so is an upper-case Host", async () => {
  const fields = Array.from({ length: 98 }, (_, i) => `x${i}: a\r\n`).join("");
  await withListener({}, async ({ port }) => {
    const bytes = `GET / HTTP/1.1\r\nHOST: LOCALHOST\r\nconnection: close\r\n${fields}\r\n`;
    assert.deepEqual((await rawAnswer(port, bytes)).statuses, [404]);
  });
});

Deno.test("connections above the limit are closed at once, the others work on", async () => {
  const connections = new ConnectionLimits({ connectionsMax: 2, connectionsPerAddressMax: 100 });
  await withListener({ connections, probeIntervalMs: 0 }, async ({ port }) => {
    const ask = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const [first, second] = [new RawClient(port), new RawClient(port)];
    for (const client of [first, second]) {
      client.write(ask);
      await client.until(/404/);
    }
    assert.equal((await rawAnswer(port, ask)).text, "");
    await first.close();
    second.write(ask);
    await second.until(/404[^]*404/);
    await second.close();
  });
});

Deno.test("a client that stops reading its stream is closed, and the sender is told", async () => {
  const stalled: number[] = [];
  const options = { writeStallMs: 500, onStalled: (count: number) => stalled.push(count) };
  await withListener(options, async ({ port }, gateway) => {
    const client = new RawClient(port);
    client.write(`${GET}\r\n`);
    await client.until(/event-stream/);
    client.pause();
    const [exchange] = gateway.streams;
    const message = notification("notifications/message", { data: "x".repeat(256 * 1024) });
    await assert.rejects(async () => {
      for (let i = 0; i < 1000; i++) await exchange.send([message]);
    }, { name: "TransportError" });
    assert.deepEqual(stalled, [1]);
    await client.close();
  });
});

Deno.test("a large answer reaches a client that reads slowly", async () => {
  await withListener({ writeStallMs: 5000 }, async ({ port }) => {
    const text = "x".repeat(3 * 1024 * 1024);
    const body = `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"${text}"}}`;
    const client = new RawClient(port);
    client.write(`${HEAD}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await client.until(/200 OK/);
    client.pause();
    await rawAnswer(port, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    client.resume();
    await client.ended;
    assert.ok(client.text.endsWith(`${text}"}}`));
  });
});

Deno.test("a client that resets in the middle of its body or answer costs only itself", async () => {
  await withListener({}, async ({ port }, gateway) => {
    const half = new RawClient(port);
    half.write(`${HEAD}content-length: 1000\r\n\r\n{`);
    await gateway.until(() => gateway.exchanges.length === 1);
    half.reset();
    await half.ended;
    const hold = '{"jsonrpc":"2.0","id":1,"method":"hold"}';
    const asking = new RawClient(port);
    asking.write(`${HEAD}content-length: ${hold.length}\r\n\r\n${hold}`);
    await gateway.until(() => gateway.held.length === 1);
    asking.reset();
    await gateway.held[0].closed;
    gateway.held[0].finish();
    const ask = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert.deepEqual((await rawAnswer(port, ask)).statuses, [404]);
  });
});

Deno.test("a handler that throws costs only its own request", async () => {
  await withListener({
    fallback: () => {
      throw new Error("broken page");
    },
  }, async ({ port }) => {
    const ask = "GET /page HTTP/1.1\r\nhost: localhost\r\n\r\n";
    const { text, statuses } = await rawAnswer(port, ask);
    assert.deepEqual(statuses, [500]);
    assert.ok(!text.includes("broken page"), "what went wrong is nobody's business");
  });
});
