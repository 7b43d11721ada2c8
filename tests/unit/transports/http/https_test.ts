import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { request } from "../../../../lib/core/compose.ts";
import { GatewayError } from "../../../../lib/core/errors.ts";
import {
  isConnectFailure,
  securedTargetOf,
  UpstreamAgent,
  withoutTlsParameters,
} from "../../../../transports/http/agent.ts";
import { StreamableHttpTransport } from "../../../../transports/streamable_http/transport.ts";
import { opensslPin } from "../../../fixtures/certificates.ts";
import { HttpsScene } from "../../../fixtures/https_scene.ts";

const never = new AbortController().signal;
const JSON_HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Asks once. */
type Ask = (scene: HttpsScene, path: string, method: string, body?: string) => Promise<Reply>;

const ask1: Ask = (scene, path, method, body) =>
  new Promise((resolve, reject) => {
    const { port } = scene.http;
    const ca = readFileSync(scene.authority.ca, "utf8");
    const options = { host: "127.0.0.1", port, path, method, ca, headers: JSON_HEADERS };
    const req = https.request({ ...options, agent: false }, (res) => {
      let text = "";
      res.on("data", (chunk) => text += chunk);
      res.on("end", () => resolve({ status: res.statusCode!, text }));
    });
    req.on("error", reject);
    req.end(body);
  });

const askCurl: Ask = async (scene, path, method, body) => {
  const headers = Object.entries(JSON_HEADERS).flatMap((
    [name, value],
  ) => ["-H", `${name}: ${value}`]);
  const curl = new Deno.Command("curl", {
    args: [
      ...["-s", "--http2", "--cacert", scene.authority.ca, "-X", method, ...headers],
      ...(body === undefined ? [] : ["--data-binary", "@-"]),
      ...["-w", "\n%{http_code} %{http_version}", `https://127.0.0.1:${scene.http.port}${path}`],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = curl.stdin.getWriter();
  const sent = writer.write(new TextEncoder().encode(body ?? "")).then(() => writer.close());
  const { stdout } = await curl.output();
  await sent;
  const [, text, status, version] = /^([^]*)\n(\d+) (.*)$/.exec(new TextDecoder().decode(stdout))!;
  assert.equal(version, "2");
  return { status: Number(status), text };
};

const ways: Record<string, Ask> = { "node:https": ask1 };
const hasCurl = await new Deno.Command("curl", { args: ["--version"], stdout: "null" }).output()
  .then(() => true, () => false);
if (hasCurl) ways["curl"] = askCurl;

for (const [name, ask] of Object.entries(ways)) {
  Deno.test(`an HTTPS listener answers ${name}`, async () => {
    await using scene = await HttpsScene.start();
    const echo = '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1}}';
    const stream = '{"jsonrpc":"2.0","id":1,"method":"stream","params":{"count":2}}';
    assert.deepEqual(await ask(scene, "/mcp", "POST", echo), {
      status: 200,
      text: '{"jsonrpc":"2.0","id":1,"result":{"a":1}}',
    });
    const streamed = await ask(scene, "/mcp", "POST", stream);
    assert.deepEqual(streamed.text.match(/"data":\d|"done":true/g), [
      '"data":0',
      '"data":1',
      '"done":true',
    ]);
    assert.equal((await ask(scene, "/mcp", "POST", "{")).status, 400);
    assert.equal((await ask(scene, "/mcp", "PUT")).status, 405);
    assert.equal((await ask(scene, "/nothing", "GET")).status, 404);
    const large = `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"${"x".repeat(1e6)}"}}`;
    assert.equal((await ask(scene, "/mcp", "POST", large)).text.length, 1_000_042);
    const notify = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    assert.deepEqual(await ask(scene, "/mcp", "POST", notify), { status: 202, text: "" });
  });
}

Deno.test("a client's certificate reaches the exchange, and without one nobody gets in", async () => {
  await using scene = await HttpsScene.start({}, true);
  const client = await scene.authority.issue("client", { altNames: ["URI:spiffe://a/b"] });
  const transport = new StreamableHttpTransport();
  const url = scene.dialUrl({ cert: client.cert, key: client.key });
  const connection = await transport.dial({ url }, never);
  await connection.writable.getWriter().write([request(1, "echo")]);
  await connection.readable.getReader().read();
  await connection[Symbol.asyncDispose]();
  const [{ tls }] = scene.gateway.exchanges.map(({ request }) => request);
  assert.equal(tls?.commonName, "client");
  assert.deepEqual(tls?.altNames, ["URI:spiffe://a/b"]);
  await assert.rejects(
    transport.dial({ url: scene.dialUrl() }, never).then(async (anonymous) => {
      await anonymous.writable.getWriter().write([request(1, "echo")]);
      const { value } = await anonymous.readable.getReader().read();
      await anonymous[Symbol.asyncDispose]();
      if (value?.[0].isError) {
        throw new GatewayError("InternalError", "refused, with TLS 1.3 later");
      }
    }),
  );
  assert.equal(scene.gateway.exchanges.length, 1);
});

Deno.test("a client keeps to few connections and to the pinned key", async () => {
  await using scene = await HttpsScene.start();
  const transport = new StreamableHttpTransport();
  const pin = await opensslPin(scene.files.cert);
  const connection = await transport.dial({ url: scene.dialUrl({ pin }) }, never);
  const writer = connection.writable.getWriter();
  const reader = connection.readable.getReader();
  const total = 1000, atOnce = 20;
  for (let sent = 0; sent < total; sent += atOnce) {
    await writer.write(Array.from({ length: atOnce }, (_, i) => request(sent + i, "echo")));
    for (let got = 0; got < atOnce;) got += (await reader.read()).value!.length;
  }
  assert.ok(scene.http.accepted <= total * 0.05, `${scene.http.accepted} connections`);
  await connection[Symbol.asyncDispose]();
});

Deno.test("not a byte of a request reaches a server with another key, whichever connection it is", async () => {
  await using scene = await HttpsScene.start();
  const pin = await opensslPin((await scene.authority.issue("other")).cert);
  const url = scene.dialUrl({ pin });
  await assert.rejects(new StreamableHttpTransport().dial({ url }, never), {
    name: "TransportError",
    message: /matches no pin/,
  });
  const agent = new UpstreamAgent(await securedTargetOf(url), {
    connectTimeoutMs: 10_000,
    idleMs: 1000,
  });
  const failed = await new Promise<Error>((resolve, reject) => {
    const { hostname, port } = url;
    const options = { hostname, port, agent, method: "POST", path: "/mcp", headers: JSON_HEADERS };
    const req = http.request(options, () => reject(new Error("answered")));
    req.on("error", resolve);
    req.end('{"jsonrpc":"2.0","id":1,"method":"echo"}');
  });
  agent.destroy();
  assert.match(failed.message, /matches no pin/);
  assert.ok(isConnectFailure(failed));
  assert.equal(scene.gateway.exchanges.length, 0);
});

Deno.test("what the URL says to us about TLS is not told to the server", () => {
  const url = new URL("https://a.example/mcp?a=1&cert=c&key=k&pin=sha256/x+y=&b=%2F&ca=f&keys=2");
  assert.equal(withoutTlsParameters(url).href, "https://a.example/mcp?a=1&b=%2F&keys=2");
  assert.equal(withoutTlsParameters(new URL("http://a.example/?key=k")).search, "?key=k");
});
