import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { bounded } from "../fixtures/child_wait.ts";
import { GatewayClient, type HttpAnswer } from "../fixtures/gateway_client.ts";
import { GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { echoServer } from "../fixtures/servers.ts";

const ignore = Deno.build.os !== "linux";

function codeOf({ status, messages }: HttpAnswer): unknown[] {
  return [status, messages[0]?.error?.code];
}

Deno.test({
  name: "serve refuses sessions above its limit, and has room again when sessions end",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: echoServer(),
      env: { SLUICE_LIMITS_SESSIONS: "5" },
    });
    const clients = Array.from({ length: 12 }, () => new GatewayClient(gateway.url));
    const answers = await Promise.all(clients.map((client) => client.initialize()));
    const refused = answers.filter(({ status }) => status !== 200);
    assert.equal(refused.length, 7);
    for (const answer of refused) {
      assert.deepEqual(codeOf(answer), [503, -31005]);
      assert.match(answer.headers.get("retry-after")!, /^[1-9]\d*$/);
      assert.equal(answer.headers.get("mcp-session-id"), null);
      assert.equal(answer.messages[0].id, "initialize");
    }
    const open = clients.filter(({ sessionId }) => sessionId !== undefined);
    for (const client of open) assert.equal((await client.call("1", {})).status, 200);
    assert.equal(await open[0].end(), 200);
    assert.equal((await clients.at(-1)!.initialize()).status, 200);
    assert.deepEqual(codeOf(await open[0].notify("ping")), [404, -32600]);
    await until(() => gateway.descendants().length === 5, "five servers");
    for (const client of clients) client[Symbol.dispose]();
  },
});

Deno.test({
  name: "serve ends idle sessions and their servers, but none that listens or calls",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: echoServer(),
      env: { SLUICE_LIMITS_SESSIONS: "2", SLUICE_LIMITS_SESSION_IDLE_MS: "300" },
    });
    using listening = new GatewayClient(gateway.url);
    using idle = new GatewayClient(gateway.url);
    await listening.initialize();
    await using _stream = await listening.listen();
    await idle.initialize();
    await until(() => gateway.descendants().length === 1, "the end of the idle one's server");
    assert.equal(await gateway.metric("sluice_sessions"), 1);
    assert.deepEqual(codeOf(await idle.call("1", {})), [404, -32600]);
    assert.equal((await listening.call("1", {})).status, 200);
    using next = new GatewayClient(gateway.url);
    assert.equal((await next.initialize()).status, 200);
  },
});

Deno.test("serve ends sessions that were never initialized", async () => {
  await using gateway = await GatewayProcess.start({ command: echoServer(), args: ["--shared"] });
  using client = new GatewayClient(gateway.url);
  for (let i = 0; i < 5; i++) {
    const answer = await client.post('{"jsonrpc":"2.0","id":1,"method":"initialize","params":[]}');
    assert.deepEqual(codeOf(answer), [400, -32600]);
  }
  await until(async () => await gateway.metric("sluice_sessions") === 0, "no session");
});

Deno.test("serve asks for a session where one is needed, and knows only its own", async () => {
  await using gateway = await GatewayProcess.start({ command: echoServer(), args: ["--shared"] });
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  const notice = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  using client = new GatewayClient(gateway.url);
  for (const body of [ping, notice, '{"jsonrpc":"2.0","id":1,"result":{}}']) {
    assert.deepEqual(codeOf(await client.post(body)), [400, -32600]);
    for (const id of ["guessed", "", "x".repeat(2000), "\u00e9"]) {
      assert.deepEqual(codeOf(await client.post(body, { "mcp-session-id": id })), [404, -32600]);
    }
  }
  await assert.rejects(client.listen(), /Cannot listen: 400/);
  assert.equal(await client.end(), 400);
  client.sessionId = "guessed";
  await assert.rejects(client.listen(), /Cannot listen: 404/);
  assert.equal(await client.end(), 404);
  assert.equal(await gateway.metric("sluice_sessions"), 0);
});

const CHATTER = fileURLToPath(new URL("../fixtures/gateway_chatter.ts", import.meta.url));
/** What is kept of the general stream. */
const STREAM_EVENTS_MAX = 2000;

function chatter(
  title: string,
  count: number,
  check: (
    gateway: GatewayProcess,
    client: GatewayClient,
    speak: () => Promise<void>,
  ) => Promise<void>,
): void {
  Deno.test(`serve ${title}`, async () => {
    await using gateway = await GatewayProcess.start({
      command: { program: Deno.execPath(), args: ["run", "-A", "--no-config", CHATTER] },
      env: { COUNT: String(count) },
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    let spoken = 0;
    await check(gateway, client, async () => {
      await client.notify("notifications/roots/list_changed");
      spoken++;
      await until(
        async () => await gateway.metric("sluice_bad_messages_total") === spoken,
        "all that the server says",
      );
    });
  });
}

const numbers = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => first + i);
// deno-lint-ignore no-explicit-any -- messages of a stream
const dataOf = (messages: any[]) => messages.map(({ params }) => params.data);

chatter(
  "keeps what a server says until the client listens, and delivers it once",
  40,
  async (_, client, speak) => {
    await speak();
    const first = await client.listen();
    await first.until(40);
    assert.deepEqual(dataOf(first.messages), numbers(0, 40));
    const second = await client.listen();
    await bounded(first.ended, "the end of the first stream");
    await speak();
    await second.until(40);
    assert.deepEqual(dataOf(second.messages), numbers(0, 40));
    assert.equal(first.messages.length, 40);
    await second[Symbol.asyncDispose]();
  },
);

chatter("keeps the newest of what a server says to nobody", 2050, async (_, client, speak) => {
  await speak();
  await using stream = await client.listen();
  await stream.until(STREAM_EVENTS_MAX);
  await client.end();
  await bounded(stream.ended, "the end of the stream");
  assert.deepEqual(dataOf(stream.messages), numbers(50, STREAM_EVENTS_MAX));
});

chatter(
  "loses nothing when the client's stream breaks and comes back",
  10,
  async (gateway, client, speak) => {
    const broken = await client.listen();
    await speak();
    await broken.until(10);
    const descriptors = gateway.descriptors();
    await broken[Symbol.asyncDispose]();
    await until(() => gateway.descriptors() < descriptors, "the gateway to notice");
    await speak();
    await using stream = await client.listen();
    await stream.until(10);
    assert.deepEqual(dataOf(stream.messages), numbers(0, 10));
  },
);
