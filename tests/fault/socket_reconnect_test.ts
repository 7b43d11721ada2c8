import assert from "node:assert/strict";
import { result } from "../../lib/core/compose.ts";
import type { Connection, Listener } from "../../lib/core/connection.ts";
import { GatewayError } from "../../lib/core/errors.ts";
import type { Message } from "../../lib/core/message.ts";
import { tcp } from "../../transports/socket/transport.ts";
import { LineClient } from "../fixtures/line_client.ts";
import { StreamGateway } from "../fixtures/stream_gateway.ts";

const never = new AbortController().signal;
const INITIALIZE = '{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":' +
  '"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}\n';
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}\n';

/** An MCP server on a port of its own: answers every call with its name. */
class Server {
  readonly methods: string[] = [];
  readonly url: URL;
  readonly #name: string;
  readonly #listener: Listener;
  readonly #connections = new Set<Connection>();
  readonly #served: Promise<void>;

  private constructor(name: string, listener: Listener) {
    this.#name = name;
    this.#listener = listener;
    this.url = listener.url;
    this.#served = this.#serve();
  }

  static async start(name: string, url: URL): Promise<Server> {
    return new Server(name, await tcp({ probeIntervalMs: 0 }).listen({ url }, never));
  }

  /** Ends as a process does that is killed. */
  async crash(): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    const reason = new GatewayError("InternalError", "Cannot go on: the test says so");
    for (const connection of this.#connections) connection.abort(reason);
    await this.#served;
  }

  async #serve(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const arrival of this.#listener) {
      serving.push(this.#answerAll(arrival as Connection));
    }
    await Promise.all(serving);
  }

  async #answerAll(connection: Connection): Promise<void> {
    this.#connections.add(connection);
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {}); // aborted by the test
    try {
      for await (const batch of connection.readable) {
        this.methods.push(...batch.map(({ method }) => method!));
        const asked = batch.filter(({ kind }) => kind === "request");
        if (asked.length > 0) await writer.write(asked.map((message) => this.#answer(message)));
      }
    } catch {
      // aborted by the test
    }
    await connection[Symbol.asyncDispose]();
  }

  #answer({ id, method }: Message): Message {
    return result(
      id!,
      method === "initialize"
        ? { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: this.#name } }
        : { server: this.#name },
    );
  }
}

function call(id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"t"}}\n`;
}

/** The answer to a call that did not meet the end of the old connection on its way. */
async function answerOf(client: LineClient, id: number): Promise<string> {
  for (;;) {
    await client.write(call(id));
    const line = (await client.line())!;
    if (JSON.parse(line).error?.data?.outcome !== "unknown") return line;
  }
}

Deno.test("the first call after a restart of its server reaches the new one", async () => {
  const first = await Server.start("first", new URL("tcp://127.0.0.1:0"));
  await using gateway = await StreamGateway.start("tcp://127.0.0.1:0", `s=${first.url.href}`);
  using client = await LineClient.connect(gateway.url);
  client.read();
  await client.write(INITIALIZE);
  assert.match((await client.line())!, /"name":"first"/);
  await client.write(INITIALIZED + call(1));
  assert.equal(await client.line(), '{"jsonrpc":"2.0","id":1,"result":{"server":"first"}}');

  await first.crash();
  const second = await Server.start("second", first.url);
  const answer = await answerOf(client, 2);
  assert.equal(answer, '{"jsonrpc":"2.0","id":2,"result":{"server":"second"}}');
  assert.deepEqual(second.methods, ["initialize", "notifications/initialized", "tools/call"]);
  await second.crash();
});

Deno.test("a call is refused as not sent while its server is away, and the next one finds it again", async () => {
  const first = await Server.start("first", new URL("tcp://127.0.0.1:0"));
  await using gateway = await StreamGateway.start("tcp://127.0.0.1:0", `s=${first.url.href}`);
  using client = await LineClient.connect(gateway.url);
  client.read();
  await client.write(INITIALIZE);
  await client.line();
  await first.crash();
  const refused = JSON.parse(await answerOf(client, 1));
  assert.equal(refused.error.code, -31001);
  assert.equal(refused.error.data.outcome, "not_sent");
  const second = await Server.start("second", first.url);
  assert.equal(
    await answerOf(client, 2),
    '{"jsonrpc":"2.0","id":2,"result":{"server":"second"}}',
  );
  await second.crash();
});
