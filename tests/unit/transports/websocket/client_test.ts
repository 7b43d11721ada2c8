import assert from "node:assert/strict";
import http from "node:http";
import type { IncomingMessage } from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { request } from "../../../../lib/core/compose.ts";
import { TransportError } from "../../../../lib/core/errors.ts";
import { dialWebSocket } from "../../../../transports/websocket/client.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { EchoListener } from "./echo_listener.ts";

const never = new AbortController().signal;

Deno.test("dialWebSocket() sends the subprotocol, extra headers and the query without our parameters", async () => {
  await using server = await Upgrader.bind({ "sec-websocket-protocol": "mcp" });
  const url = new URL(`${server.url}mcp/ws?a=%2B+b&hop=other&pin=x`);
  const connection = await dialWebSocket({ url, headers: { authorization: "Bearer t" } }, never);
  const [req] = server.requests;
  assert.equal(req.url, "/mcp/ws?a=%2B+b");
  assert.equal(req.headers.authorization, "Bearer t");
  assert.equal(req.headers["sec-websocket-protocol"], "mcp");
  assert.equal(req.headers.origin, undefined);
  assert.equal(connection.peer.transport, "websocket");
  server.end();
  await assert.rejects(bounded(connection.closed, "the end"), TransportError);
  await connection[Symbol.asyncDispose]();
});

Deno.test("dialWebSocket() accepts a server that names no subprotocol", async () => {
  await using server = await Upgrader.bind({});
  const connection = await dialWebSocket({ url: server.url }, never);
  server.end();
  await connection.closed.catch(() => {}); // ended by us
  await connection[Symbol.asyncDispose]();
});

Deno.test("dialWebSocket() rejects answers that are no handshake", async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ "sec-websocket-protocol": "graphql-ws" }, /subprotocol that was not offered/],
    [{ "sec-websocket-accept": "wrong" }, /Sec-WebSocket-Accept/],
    [{ "sec-websocket-extensions": "x-unknown" }, /not requested|Extensions/i],
  ];
  for (const [headers, why] of cases) {
    await using server = await Upgrader.bind(headers);
    const dialling = dialWebSocket({ url: server.url }, never);
    await assert.rejects(bounded(dialling, "the refusal"), (error) => {
      assert.ok(error instanceof TransportError);
      assert.match(error.message, why);
      return true;
    });
  }
});

Deno.test("dialWebSocket() rejects when the server answers something else", async () => {
  const server = http.createServer((_, res) => void res.writeHead(401).end("no"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = new URL(`ws://127.0.0.1:${port}/?secret=abc`);
  await assert.rejects(dialWebSocket({ url }, never), (error: Error) => {
    assert.equal(error.message, `Cannot connect to ws://127.0.0.1:${port}/: it answered 401`);
    return true;
  });
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("dialWebSocket() rejects when nobody listens", async () => {
  const free = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => free.once("listening", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const url = new URL(`ws://127.0.0.1:${port}`);
  await assert.rejects(dialWebSocket({ url }, never), TransportError);
});

Deno.test("dialWebSocket() gives up when it takes too long or the signal aborts", async () => {
  const sockets = new Set<net.Socket>();
  const silent = net.createServer((socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const url = new URL(`ws://127.0.0.1:${port}`);
  const late = dialWebSocket({ url }, never, { dialTimeoutMs: 30 });
  await assert.rejects(bounded(late, "the timeout"), /longer than 30 ms/);
  const controller = new AbortController();
  const aborted = dialWebSocket({ url }, controller.signal);
  controller.abort(new Error("changed my mind"));
  await assert.rejects(bounded(aborted, "the abort"), /changed my mind/);
  await assert.rejects(dialWebSocket({ url }, controller.signal), /changed my mind/);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

Deno.test("dialWebSocket() compresses messages over 1 KiB where the server agrees", async () => {
  await using listener = await EchoListener.bind();
  const connection = await dialWebSocket({ url: listener.url }, never);
  const reader = connection.readable.getReader();
  const writer = connection.writable.getWriter();
  for (const size of [10, 2000, 300_000]) {
    const message = request(1, "x", { text: "x".repeat(size) });
    await writer.write([message, message]);
    for (let count = 0; count < 2;) {
      const { value } = await reader.read();
      for (const echoed of value!) assert.deepEqual(echoed.bytes, message.bytes);
      count += value!.length;
    }
  }
  await connection[Symbol.asyncDispose]();
});

Deno.test("dialWebSocket() speaks the framing between gateways where the server agrees", async () => {
  for (const hop of [true, false]) {
    await using listener = await EchoListener.bind({ server: { hop } });
    const url = new URL(`${listener.url}?hop=sluice`);
    const connection = await dialWebSocket({ url }, never);
    const reader = connection.readable.getReader();
    const message = request(1, "x", { text: "x".repeat(100_000) });
    const batch = Array.from({ length: 80 }, () => message); // more than a WebSocket message may have
    const writing = connection.writable.getWriter().write(batch);
    let count = 0;
    while (count < batch.length) {
      const { value } = await bounded(reader.read(), "the echo");
      for (const echoed of value!) assert.deepEqual(echoed.bytes, message.bytes);
      count += value!.length;
    }
    await writing;
    await connection[Symbol.asyncDispose]();
  }
});

/** Agrees to every handshake, with these headers in its answer. */
class Upgrader implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server: http.Server;
  readonly #sockets: net.Socket[] = [];

  private constructor(headers: Readonly<Record<string, string>>) {
    this.#server = http.createServer();
    this.#server.on("upgrade", (req, socket) => {
      this.requests.push(req);
      this.#sockets.push(socket as net.Socket);
      socket.on("error", () => {}); // the client may hang up
      const key = `${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const answer = {
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-accept": createHash("sha1").update(key).digest("base64"),
        ...headers,
      };
      const lines = Object.entries(answer).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
    });
  }

  static async bind(headers: Readonly<Record<string, string>>): Promise<Upgrader> {
    const upgrader = new Upgrader(headers);
    await new Promise<void>((resolve) => upgrader.#server.listen(0, "127.0.0.1", resolve));
    return upgrader;
  }

  get url(): URL {
    return new URL(`ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
