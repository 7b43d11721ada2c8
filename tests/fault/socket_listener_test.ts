import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Connection, Listener } from "../../lib/core/connection.ts";
import { TransportError } from "../../lib/core/errors.ts";
import { ConnectionLimits } from "../../transports/guard/connection_limits.ts";
import type { SocketListenerOptions } from "../../transports/socket/listener.ts";
import { tcp, tls, unix } from "../../transports/socket/transport.ts";
import { TestAuthority } from "../fixtures/certificates.ts";
import { bounded } from "../fixtures/child_wait.ts";
import { LineClient } from "../fixtures/line_client.ts";
import { echoAll } from "../fixtures/socket_echo.ts";

const never = new AbortController().signal;
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"text":"é\u{1F600}\u2028"}}';

async function withTcp(
  options: SocketListenerOptions,
  act: (url: URL, listener: Listener) => Promise<void>,
): Promise<void> {
  const listener = await tcp(options).listen({ url: new URL("tcp://127.0.0.1:0") }, never);
  const served = echoAll(listener);
  try {
    await act(listener.url, listener);
  } finally {
    await listener[Symbol.asyncDispose]();
    await served;
  }
}

Deno.test("a message that comes byte by byte is one message", async () => {
  await withTcp({}, async (url) => {
    using client = await LineClient.connect(url);
    client.read();
    for (const byte of new TextEncoder().encode(`${PING}\n`)) {
      await client.write(Uint8Array.of(byte));
    }
    assert.equal(await client.line(), PING);
  });
});

Deno.test("a client that says nothing is closed; one that has spoken may rest", async () => {
  const silent = Promise.withResolvers<number>();
  await withTcp({ firstMessageMs: 50, onSilent: silent.resolve }, async (url) => {
    using talker = await LineClient.connect(url);
    talker.read();
    await talker.write(`${PING}\n`);
    assert.equal(await talker.line(), PING);
    using mute = await LineClient.connect(url);
    mute.read();
    using beginner = await LineClient.connect(url);
    beginner.read();
    await beginner.write('{"jsonrpc"');
    await bounded(mute.ended, "the end of the silent client");
    await bounded(beginner.ended, "the end of the one that said half a message");
    assert.ok(await silent.promise >= 1);
    await talker.write(`${PING}\n`);
    assert.equal(await talker.line(), PING);
  });
});

Deno.test("a connection that says nothing is not handed on", async () => {
  const listener = await tcp().listen({ url: new URL("tcp://127.0.0.1:0") }, never);
  using client = await LineClient.connect(listener.url);
  client.read();
  const accepted: unknown[] = [];
  const iterated = (async () => {
    for await (const arrival of listener) accepted.push(arrival);
  })();
  await listener[Symbol.asyncDispose]();
  await iterated;
  await bounded(client.ended, "the end of the connection");
  assert.equal(accepted.length, 0);
});

Deno.test("one connection too many is closed at once, and its place is free again later", async () => {
  const refused: string[] = [];
  const connections = new ConnectionLimits({
    connectionsMax: 2,
    connectionsPerAddressMax: 100,
    onRefused: (limit) => refused.push(limit),
  });
  await withTcp({ connections, probeIntervalMs: 0 }, async (url) => {
    using first = await LineClient.connect(url);
    using second = await LineClient.connect(url);
    for (const client of [first, second]) {
      client.read();
      await client.write(`${PING}\n`);
      assert.equal(await client.line(), PING);
    }
    using third = await LineClient.connect(url);
    third.read();
    await bounded(third.ended, "the end of the third");
    assert.deepEqual(refused, ["total"]);
    first[Symbol.dispose]();
    for (;;) { // until the end of the first has been seen
      using next = await LineClient.connect(url);
      next.read();
      await next.write(`${PING}\n`);
      if (await next.line() === PING) break;
    }
  });
});

Deno.test("a reset breaks its own connection only", async () => {
  const listener = await tcp().listen({ url: new URL("tcp://127.0.0.1:0") }, never);
  const arrivals = listener[Symbol.asyncIterator]();
  const client = await LineClient.connect(listener.url);
  await client.write(`${PING}\n`);
  const { value } = await bounded(arrivals.next(), "the connection");
  await using connection = value as Connection;
  const reader = connection.readable.getReader();
  assert.equal((await reader.read()).value?.length, 1);
  const reading = assert.rejects(reader.read(), TransportError);
  client.socket.resetAndDestroy();
  await bounded(reading, "the broken read");
  await assert.rejects(connection.closed, TransportError);
  using next = await LineClient.connect(listener.url);
  await next.write(`${PING}\n`);
  assert.equal((await bounded(arrivals.next(), "the next connection")).done, false);
  await listener[Symbol.asyncDispose]();
});

Deno.test("a client that ends its side gets its answers", async () => {
  await withTcp({}, async (url) => {
    using client = await LineClient.connect(url);
    client.read();
    client.socket.end(`${PING}\n${PING}`);
    assert.equal(await client.line(), PING);
    assert.equal(await client.line(), PING);
    assert.equal(await client.ended, undefined);
  });
});

Deno.test("a client over TLS that does not finish its handshake is closed", async () => {
  await using authority = await TestAuthority.create();
  const { cert, key } = await authority.issue("server");
  const failures: string[] = [];
  const transport = tls({ tlsHandshakeMs: 50, onTlsFailed: (failure) => failures.push(failure) });
  const url = new URL(`tls://127.0.0.1:0?cert=${cert}&key=${key}`);
  await using listener = await transport.listen({ url }, never);
  using silent = await LineClient.connect(listener.url);
  silent.read();
  using slow = await LineClient.connect(listener.url);
  slow.read();
  await slow.write(Uint8Array.of(0x16, 3, 1, 0, 200, 1, 0));
  await bounded(silent.ended, "the end of the silent client");
  await bounded(slow.ended, "the end of the slow client");
  assert.deepEqual(failures, ["handshake_failure"]);
});

Deno.test({
  name: "a socket file is its owner's alone, and gone at the end",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/mcp.sock`;
    const listener = await unix().listen({ url: new URL(`unix://${path}`) }, never);
    const { mode, isSocket } = await Deno.lstat(path);
    assert.ok(isSocket);
    assert.equal(mode! & 0o777, 0o600);
    await listener[Symbol.asyncDispose]();
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    await Deno.remove(folder);
  },
});

/** Listens on a socket file in a process that is killed. */
async function leaveBehind(url: URL): Promise<void> {
  const server = fileURLToPath(new URL("../fixtures/socket_emfile_server.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", server, url.href],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await bounded(reader.read(), "the address of the server");
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await child.stdin.close().catch(() => {}); // its reader has gone
  assert.ok((await Deno.lstat(url.pathname)).isSocket);
}

Deno.test({
  name: "a socket file is replaced only when nobody answers behind it",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const url = new URL(`unix://${folder}/mcp.sock`);
    await leaveBehind(url);
    const listener = await unix().listen({ url }, never);
    await assert.rejects(unix().listen({ url }, never), {
      name: "TransportError",
      message: `Cannot listen on ${url}: another process listens there`,
    });
    using client = await LineClient.connect(url);
    const served = echoAll(listener);
    client.read();
    await client.write(`${PING}\n`);
    assert.equal(await client.line(), PING);
    client[Symbol.dispose]();
    await listener[Symbol.asyncDispose]();
    await served;
    await Deno.writeTextFile(url.pathname, "precious");
    await assert.rejects(unix().listen({ url }, never), /there is a file that is no socket/);
    assert.equal(await Deno.readTextFile(url.pathname), "precious");
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("listeners and dialers name the address that does not work", async () => {
  const listener = await tcp().listen({ url: new URL("tcp://127.0.0.1:0?framing=length") }, never);
  const taken = listener.url;
  await assert.rejects(tcp().listen({ url: taken }, never), {
    name: "TransportError",
    message: /^Cannot listen on tcp:\/\/127\.0\.0\.1:\d+: .*EADDRINUSE/,
  });
  await listener[Symbol.asyncDispose]();
  await assert.rejects(tcp().dial({ url: taken }, never), {
    name: "TransportError",
    message: /^Cannot reach tcp:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
  });
  await assert.rejects(tcp().dial({ url: taken }, AbortSignal.abort(new Error("enough"))), {
    name: "TransportError",
    message: /enough$/,
  });
  const long = new URL(`unix:///tmp/${"x".repeat(200)}`);
  await assert.rejects(unix().listen({ url: long }, never), /its path is longer than 103 bytes/);
});
