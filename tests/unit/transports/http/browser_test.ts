import assert from "node:assert/strict";
import http from "node:http";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { HttpListener } from "../../../../transports/http/listener.ts";
import type { HttpListenerOptions } from "../../../../transports/http/listener_options.ts";
import { SseListener } from "../../../../transports/sse/transport.ts";
import { StreamableHttpListener } from "../../../../transports/streamable_http/transport.ts";
import { EchoGateway } from "../../../fixtures/http_echo_gateway.ts";
import { echo } from "../../../fixtures/sse_scene.ts";

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
}

type Ask = (
  method: string,
  path: string,
  headers?: Record<string, string>,
  body?: string,
) => Promise<Reply>;

async function withEndpoints(
  options: HttpListenerOptions,
  act: (ask: Ask, gateway: EchoGateway, port: number) => Promise<void>,
): Promise<void> {
  const listener = await HttpListener.bind("127.0.0.1", 0, options);
  const mcp = new StreamableHttpListener(listener);
  const sse = new SseListener(listener);
  const gateway = new EchoGateway(mcp);
  const served = (async () => {
    for await (const connection of sse) echo(connection);
  })();
  const { port } = listener;
  const ask: Ask = (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const request = { port, host: "127.0.0.1", path, method, headers, agent: false as const };
      const req = http.request(request, (res) => {
        const chunks: Uint8Array[] = [];
        const done = () => {
          req.destroy();
          resolve({
            status: res.statusCode!,
            headers: res.headers,
            body: new Uint8Array(chunks.flatMap((chunk) => [...chunk])),
          });
        };
        res.on("data", (chunk) => {
          chunks.push(chunk);
          if (res.headers["content-type"] === "text/event-stream" && path === "/mcp/sse") done();
        });
        res.on("end", done);
      });
      req.on("error", reject);
      req.end(body);
    });
  try {
    await act(ask, gateway, port);
  } finally {
    await mcp[Symbol.asyncDispose]();
    await sse[Symbol.asyncDispose]();
    listener.destroyConnections();
    await gateway.served;
    await served;
    await listener.closed;
  }
}

const ORIGIN = "https://app.example";
const PREFLIGHT = { origin: ORIGIN, "access-control-request-method": "POST" };
const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };
const BOTH = { ...JSON_HEADERS, accept: "application/json, text/event-stream" };

function echoOf(text: string): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: "echo", params: { text } });
}

Deno.test("a preflight of a configured origin is answered on every MCP path", async () => {
  await withEndpoints({ allowedOrigins: [ORIGIN] }, async (ask, gateway) => {
    for (const path of ["/mcp", "/mcp/sse", "/mcp/messages"]) {
      const { status, headers } = await ask("OPTIONS", path, PREFLIGHT);
      assert.equal(status, 204);
      assert.equal(headers["access-control-allow-origin"], ORIGIN);
      assert.equal(headers["access-control-max-age"], "86400");
      assert.equal(headers["vary"], "Origin");
      for (
        const name of [
          "Authorization",
          "Content-Type",
          "X-Client-ID",
          "Mcp-Session-Id",
          "MCP-Protocol-Version",
          "Last-Event-ID",
          "Mcp-Method",
          "Mcp-Name",
        ]
      ) assert.ok(headers["access-control-allow-headers"]!.split(", ").includes(name), name);
    }
    assert.equal(gateway.exchanges.length, 0);
    const answer = await ask("POST", "/mcp", { ...BOTH, origin: ORIGIN }, echoOf("x"));
    assert.equal(answer.headers["access-control-allow-origin"], ORIGIN);
    assert.equal(
      answer.headers["access-control-expose-headers"],
      "Mcp-Session-Id, WWW-Authenticate",
    );
  });
});

Deno.test("a page of this machine may ask but not read, and a foreign one may not even ask", async () => {
  await withEndpoints({}, async (ask) => {
    const local = await ask("OPTIONS", "/mcp", { ...PREFLIGHT, origin: "http://localhost:3000" });
    assert.equal(local.status, 204);
    assert.equal(local.headers["access-control-allow-origin"], undefined);
    assert.equal((await ask("OPTIONS", "/mcp", PREFLIGHT)).status, 403);
  });
});

Deno.test("every request is sent to HTTPS where that is wanted, except what a proxy of ours secured", async () => {
  await withEndpoints({ httpsPort: 8443, trustedProxies: ["127.0.0.1"] }, async (ask) => {
    const { status, headers } = await ask(
      "POST",
      "/mcp?a=1",
      { ...BOTH, host: "localhost:1" },
      "{}",
    );
    assert.deepEqual([status, headers.location], [308, "https://localhost:8443/mcp?a=1"]);
    const secured = { ...BOTH, "x-forwarded-proto": "https" };
    assert.equal((await ask("POST", "/mcp", secured, echoOf("x"))).status, 200);
  });
  await withEndpoints({ httpsPort: 443 }, async (ask) => {
    const { headers } = await ask("GET", "/mcp", { "x-forwarded-proto": "https" });
    assert.equal(headers.location, "https://127.0.0.1/mcp");
  });
});

Deno.test("what proxies say reaches the gateway only from those that are trusted", async () => {
  const headers = { ...BOTH, "x-forwarded-for": "203.0.113.7", "x-real-ip": "1.1.1.1" };
  await withEndpoints({}, async (ask, gateway) => {
    await ask("POST", "/mcp", headers, echoOf("x"));
    const { request } = gateway.exchanges[0];
    assert.equal(request.header("x-forwarded-for"), undefined);
    assert.equal(request.header("x-real-ip"), undefined);
    assert.equal(request.header("accept"), BOTH.accept);
  });
  await withEndpoints({ trustedProxies: ["127.0.0.0/8"] }, async (ask, gateway) => {
    let seen = "";
    const asking = ask("POST", "/mcp", headers, '{"jsonrpc":"2.0","id":1,"method":"hold"}');
    await gateway.until(() => gateway.held.length === 1);
    seen = gateway.held[0].request.address;
    gateway.held[0].finish();
    await asking;
    assert.match(seen, /^203\.0\.113\.7:\d+$/);
    assert.equal(gateway.exchanges[0].request.header("x-forwarded-for"), "203.0.113.7");
  });
});

const DECODERS: Record<string, (body: Uint8Array) => Uint8Array> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  deflate: inflateSync,
  zstd: zstdDecompressSync,
};

for (const [coding, decode] of Object.entries(DECODERS)) {
  Deno.test(`a large answer is sent in ${coding} to a client that takes it`, async () => {
    await withEndpoints({ compression: "on" }, async (ask) => {
      const headers = { ...JSON_HEADERS, "accept-encoding": coding };
      const answer = await ask("POST", "/mcp", headers, echoOf("x".repeat(5000)));
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(answer.headers.vary, "Accept-Encoding");
      assert.ok(answer.body.length < 500);
      const text = new TextDecoder().decode(decode(answer.body));
      assert.equal(JSON.parse(text).result.text.length, 5000);
    });
  });
}

Deno.test("nothing is compressed that is small, not wanted, or for this machine", async () => {
  const large = echoOf("x".repeat(5000));
  await withEndpoints({ compression: "on", allowedOrigins: [ORIGIN] }, async (ask) => {
    const gzip = { ...JSON_HEADERS, "accept-encoding": "gzip" };
    assert.equal((await ask("POST", "/mcp", gzip, echoOf("x"))).headers.vary, "Origin");
    assert.equal(
      (await ask("POST", "/mcp", JSON_HEADERS, large)).headers["content-encoding"],
      undefined,
    );
    const none = { ...JSON_HEADERS, "accept-encoding": "identity" };
    const plain = await ask("POST", "/mcp", none, large);
    assert.deepEqual([plain.headers["content-encoding"], plain.headers.vary], [
      undefined,
      "Origin, Accept-Encoding",
    ]);
  });
  for (const compression of ["auto", "off"] as const) {
    await withEndpoints({ compression }, async (ask) => {
      const gzip = { ...JSON_HEADERS, "accept-encoding": "gzip" };
      const { headers } = await ask("POST", "/mcp", gzip, large);
      assert.deepEqual([headers["content-encoding"], headers.vary], [undefined, undefined]);
    });
  }
  const behind: HttpListenerOptions = { trustedProxies: ["127.0.0.1"] };
  await withEndpoints(behind, async (ask) => {
    const gzip = { ...JSON_HEADERS, "accept-encoding": "gzip", "x-forwarded-for": "203.0.113.7" };
    assert.equal((await ask("POST", "/mcp", gzip, large)).headers["content-encoding"], "gzip");
  });
});

Deno.test("a compressed event stream can be read event by event", async () => {
  await withEndpoints({ compression: "on" }, async (ask) => {
    const headers = { accept: "text/event-stream", "accept-encoding": "gzip" };
    const { headers: head, body } = await ask("GET", "/mcp/sse", headers);
    assert.equal(head["content-encoding"], "gzip");
    assert.match(partlyInflated(body), /event: endpoint\ndata: \/mcp\/messages/);
    const stream = '{"jsonrpc":"2.0","id":1,"method":"stream","params":{"count":3}}';
    const answer = await ask("POST", "/mcp", { ...BOTH, "accept-encoding": "gzip" }, stream);
    assert.equal(answer.headers["content-encoding"], "gzip");
    const text = new TextDecoder().decode(gunzipSync(answer.body));
    assert.deepEqual(text.match(/"data":\d|"done":true/g), [
      '"data":0',
      '"data":1',
      '"data":2',
      '"done":true',
    ]);
  });
});

/** What can be read of a gzip stream that goes on. */
function partlyInflated(body: Uint8Array): string {
  return new TextDecoder().decode(gunzipSync(body, { finishFlush: 2 }));
}
