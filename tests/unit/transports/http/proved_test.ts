import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "../../../../lib/core/compose.ts";
import { GatewayError } from "../../../../lib/core/errors.ts";
import { Flight } from "../../../../transports/http/flight.ts";
import { dialSse } from "../../../../transports/sse/client.ts";
import { dialStreamableHttp } from "../../../../transports/streamable_http/client.ts";
import { dialWebSocket } from "../../../../transports/websocket/client.ts";
import { bounded } from "../../../fixtures/child_wait.ts";
import { ScriptedAuthorizer } from "../../../fixtures/scripted_authorizer.ts";

const never = new AbortController().signal;

/** A server that lets one token in, and says how it refuses the others. */
class Guarded implements AsyncDisposable {
  readonly port: number;
  /** Method and token of each request. */
  readonly seen: string[] = [];
  refusal: readonly [status: number, challenge?: string] = [401, 'Bearer scope="x"'];
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (req, res) => this.#answer(req, res));
  }

  static async start(): Promise<Guarded> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Guarded(server);
  }

  url(scheme: string): URL {
    return new URL(`${scheme}://127.0.0.1:${this.port}/mcp`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(req: http.IncomingMessage, res: http.ServerResponse): void {
    const token = req.headers.authorization ?? "none";
    this.seen.push(`${req.method} ${token}`);
    req.resume();
    if (token !== "Bearer good") {
      const [status, challenge] = this.refusal;
      const headers = challenge === undefined ? {} : { "www-authenticate": challenge };
      return void res.writeHead(status, headers).end("{}");
    }
    if (req.method === "GET" && req.headers.accept?.includes("event-stream")) {
      res.writeHead(200, { "content-type": "text/event-stream" });
      return void res.write("event: endpoint\ndata: /messages\n\n");
    }
    res.writeHead(200, { "content-type": "application/json" });
    res.end('{"jsonrpc":"2.0","id":1,"result":{"ok":true}}');
  }
}

async function asked(server: Guarded, authorizer: ScriptedAuthorizer) {
  await using connection = await dialStreamableHttp({ url: server.url("http"), authorizer }, never);
  const writer = connection.writable.getWriter();
  await writer.write([request(1, "tools/call", { name: "x" })]);
  const { value } = await bounded(connection.readable.getReader().read(), "the answer");
  return value![0].json();
}

Deno.test("a request that was refused is sent again with what is better", async () => {
  await using server = await Guarded.start();
  const authorizer = new ScriptedAuthorizer("bad", "good");
  assert.deepEqual((await asked(server, authorizer)).result, { ok: true });
  const posts = server.seen.filter((line) => line.startsWith("POST"));
  assert.deepEqual(posts, ["POST none", "POST Bearer bad", "POST Bearer good"]);
  const challenge = 'Bearer scope="x"';
  assert.deepEqual(authorizer.refusals, [
    { status: 401, challenge, proof: {}, attempt: 1 },
    { status: 401, challenge, proof: { authorization: "Bearer bad" }, attempt: 2 },
  ]);
});

Deno.test("a request that is refused whatever it proves fails as not sent", async () => {
  await using server = await Guarded.start();
  const { error } = await asked(server, new ScriptedAuthorizer("bad"));
  assert.deepEqual([error.code, error.data], [-31001, { outcome: "not_sent" }]);
  const four = await asked(server, new ScriptedAuthorizer("a", "b", "c", "d", "e"));
  assert.match(four.error.message, /401/);
  assert.equal(server.seen.filter((line) => line.startsWith("POST")).length, 2 + 4);
});

Deno.test("only a refusal for want of scope is a matter of authorization when it is 403", async () => {
  await using server = await Guarded.start();
  server.refusal = [403, 'Bearer error="insufficient_scope", scope="y"'];
  assert.deepEqual((await asked(server, new ScriptedAuthorizer("good"))).result, { ok: true });
  server.refusal = [403];
  const authorizer = new ScriptedAuthorizer("good");
  assert.match((await asked(server, authorizer)).error.message, /403/);
  assert.deepEqual(authorizer.refusals, []);
});

Deno.test("nobody is asked to prove anything in order to leave", async () => {
  await using server = await Guarded.start();
  const authorizer = new ScriptedAuthorizer("good");
  const connection = await dialStreamableHttp({ url: server.url("http"), authorizer }, never);
  await connection[Symbol.asyncDispose]();
  assert.deepEqual(authorizer.refusals, []);
});

Deno.test("dialSse() proves who asks, with the stream and with messages", async () => {
  await using server = await Guarded.start();
  const authorizer = new ScriptedAuthorizer("good");
  const connection = await dialSse({ url: server.url("sse+http"), authorizer }, never);
  const writer = connection.writable.getWriter();
  await writer.write([request(1, "ping")]);
  await connection[Symbol.asyncDispose]();
  assert.deepEqual(server.seen, ["GET none", "GET Bearer good", "POST Bearer good"]);
});

Deno.test("dialWebSocket() proves who asks, on a new connection", async () => {
  await using server = await Guarded.start();
  const authorizer = new ScriptedAuthorizer("good");
  // The server is none for WebSockets: what counts is what it is shown.
  await assert.rejects(dialWebSocket({ url: server.url("ws"), authorizer }, never), /answered 200/);
  assert.deepEqual(server.seen, ["GET none", "GET Bearer good"]);
  const none = new ScriptedAuthorizer();
  const dialling = dialWebSocket({ url: server.url("ws"), authorizer: none }, never);
  await assert.rejects(dialling, GatewayError);
});

Deno.test("Flight.during() ends when the flight is aborted", async () => {
  const flight = new Flight();
  const waiting = flight.during(new Promise(() => {}));
  flight.abort(new GatewayError("InternalError", "Cannot go on: enough"));
  await assert.rejects(waiting, /enough/);
  assert.equal(await new Flight().during(Promise.resolve(5)), 5);
});
