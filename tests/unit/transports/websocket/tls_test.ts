import assert from "node:assert/strict";
import tls from "node:tls";
import type { AddressInfo } from "node:net";
import { request } from "../../../../lib/core/compose.ts";
import type { Connection } from "../../../../lib/core/connection.ts";
import { TransportError } from "../../../../lib/core/errors.ts";
import { dialWebSocket } from "../../../../transports/websocket/client.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { opensslPin, TestAuthority } from "../../../fixtures/certificates.ts";
import { EchoListener } from "./echo_listener.ts";

const never = new AbortController().signal;

/** By hand: a `+` in a pin stands for itself. */
function withQuery(url: URL, parameters: Readonly<Record<string, string>>): URL {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${value}`).join("&");
  return new URL(`${url.protocol}//${url.host}${url.pathname}?${query}`);
}

async function assertEchoes(connection: Connection): Promise<void> {
  const message = request(1, "x", { text: "x".repeat(100_000) });
  await connection.writable.getWriter().write([message]);
  const { value } = await bounded(connection.readable.getReader().read(), "the echo");
  assert.deepEqual(value![0].bytes, message.bytes);
}

Deno.test("wss: connects both ways where certificate and pin are good", async () => {
  await using authority = await TestAuthority.create();
  const files = await authority.issue("server");
  const bindUrl = withQuery(new URL("wss://127.0.0.1:0/"), { ...files });
  await using listener = await EchoListener.bind({}, undefined, bindUrl);
  assert.equal(listener.url.protocol, "wss:");
  const pin = await opensslPin(files.cert);
  const url = withQuery(listener.url, { ca: authority.ca, pin });
  await using connection = await dialWebSocket({ url }, never);
  await assertEchoes(connection);
  assert.equal((await listener.accepted()).peer.tls, undefined);
});

Deno.test("wss: tells the listener who the client's certificate says it is", async () => {
  await using authority = await TestAuthority.create();
  const files = await authority.issue("server");
  const bindUrl = withQuery(new URL("wss://127.0.0.1:0/"), { ...files, clientCa: authority.ca });
  await using listener = await EchoListener.bind({}, undefined, bindUrl);
  const client = await authority.issue("some-client");
  const url = withQuery(listener.url, { ca: authority.ca, ...client });
  await using connection = await dialWebSocket({ url }, never);
  await assertEchoes(connection);
  assert.equal((await listener.accepted()).peer.tls?.commonName, "some-client");
});

Deno.test("wss: sends not a byte of the request to a server with another key or certificate", async () => {
  await using authority = await TestAuthority.create();
  const files = await authority.issue("server");
  const other = await authority.issue("other");
  let received = 0, handshakes = 0;
  const server = tls.createServer({
    cert: await Deno.readTextFile(files.cert),
    key: await Deno.readTextFile(files.key),
  }, (socket) => {
    handshakes++;
    socket.on("data", (chunk) => received += chunk.length).on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = new URL(`wss://127.0.0.1:${(server.address() as AddressInfo).port}/mcp/ws`);
  const cases: [Record<string, string>, RegExp][] = [
    [{ ca: authority.ca, pin: await opensslPin(other.cert) }, /matches no pin/],
    [{}, /certificate|issuer|self.signed/i],
  ];
  for (const [parameters, why] of cases) {
    const dialling = dialWebSocket({ url: withQuery(base, parameters) }, never);
    await assert.rejects(bounded(dialling, "the refusal"), (error) => {
      assert.ok(error instanceof TransportError);
      assert.match(error.message, why);
      return true;
    });
  }
  await bounded(new Promise((resolve) => server.close(resolve)), "the end of its connections");
  assert.ok(handshakes > 0);
  assert.equal(received, 0);
});
