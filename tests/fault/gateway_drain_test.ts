import assert from "node:assert/strict";
import { bounded, isRunning } from "../fixtures/child_wait.ts";
import { GatewayClient } from "../fixtures/gateway_client.ts";
import { Ledger } from "../fixtures/gateway_ledger.ts";
import {
  GatewayProcess,
  sluiceCommand,
  until,
  untilReceived,
} from "../fixtures/gateway_process.ts";
import { RawClient } from "../fixtures/http_raw.ts";
import { faultyServer } from "../fixtures/servers.ts";
import { startStdioPeer } from "../fixtures/stdio_peer.ts";

/** Of 3 MiB each. */
const ANSWERS = 6;

const ignore = Deno.build.os !== "linux";

/** Whether a port refuses new connections. */
async function refusesConnections(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return false; // taken by the kernel just before
    assert.ok(error instanceof Deno.errors.ConnectionRefused, `${error}`);
    return true;
  }
}

Deno.test({
  name:
    "serve answers everything in flight at SIGTERM, ends its streams, and leaves nothing behind",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    const { command } = ledger;
    await using gateway = await GatewayProcess.start({ command, args: ["--shared"] });
    const clients = Array.from({ length: 10 }, () => new GatewayClient(gateway.url));
    await Promise.all(clients.map((client) => client.initialize()));
    const streams = await Promise.all(clients.map((client) => client.listen()));
    const nonces = Array.from({ length: 200 }, (_, i) => `n${i}`);
    const calls = nonces.map((nonce, i) =>
      clients[i % clients.length].call(String(i), { nonce, ms: 1000 })
    );
    await ledger.until(...nonces);
    const pids = gateway.descendants();
    gateway.signal("SIGTERM");
    await until(() => refusesConnections(gateway.port), "the refusal of new connections", 3_000);
    assert.ok(isRunning(gateway.pid), "it has ended before it answered");
    for (const [i, call] of calls.entries()) {
      const answer = await bounded(call, `answer ${i}`);
      assert.equal(JSON.parse(answer.result!).nonce, nonces[i]);
      assert.equal(answer.id, String(i));
    }
    for (const stream of streams) await bounded(stream.ended, "the end of a stream");
    assert.equal((await bounded(gateway.status, "the end of the gateway")).code, 0);
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(ledger.repeated(), []);
    for (const client of clients) client[Symbol.dispose]();
  },
});

Deno.test({
  name: "serve refuses new calls on old connections while it drains",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    const { command } = ledger;
    await using gateway = await GatewayProcess.start({ command, args: ["--shared"] });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const { sessionId } = client;
    const raw = new RawClient(gateway.port);
    raw.write(postOf(sessionId!, '{"jsonrpc":"2.0","id":1,"method":"ping"}'));
    await bounded(raw.until(/"result"/), "the first answer");
    // The head of the next request keeps the connection from being idle.
    const next = postOf(sessionId!, '{"jsonrpc":"2.0","id":2,"method":"ping"}');
    const running = client.call('"running"', { nonce: "running", ms: 1000 });
    await ledger.until("running");
    raw.write(next.slice(0, 30));
    gateway.signal("SIGTERM");
    await until(() => refusesConnections(gateway.port), "the refusal of new connections", 3_000);
    raw.write(next.slice(30));
    await bounded(raw.ended, "the end of the connection");
    if (raw.text.includes('"id":2')) assert.match(raw.text, /HTTP\/1.1 503 [^]*-31005/);
    assert.equal(JSON.parse((await bounded(running, "an answer")).result!).nonce, "running");
    assert.equal((await bounded(gateway.status, "the end of the gateway")).code, 0);
  },
});

Deno.test({
  name: "serve hands out every answer to a slow reader before it ends",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      args: ["--shared"],
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const raw = new RawClient(gateway.port);
    const request = postOf(client.sessionId!, callOf({ fault: "big", n: 3, ms: 100 }));
    // More than the kernel takes off the gateway's hands.
    for (let id = 0; id < ANSWERS; id++) raw.write(request.replace('"id":7', `"id":${id}`));
    await untilReceived(gateway, 2 + ANSWERS);
    await bounded(raw.until(/HTTP\/1.1 200/), "the beginning of the answers");
    raw.pause();
    gateway.signal("SIGTERM");
    await until(() => refusesConnections(gateway.port), "the refusal of new connections", 3_000);
    await until(() => gateway.descendants().length === 0, "the end of the server", 10_000);
    raw.resume();
    await bounded(raw.ended, "the end of the answer");
    assert.equal((await bounded(gateway.status, "the end of the gateway")).code, 0);
    const lengths = [...raw.text.matchAll(/content-length: (\d+)/ig)].map((match) =>
      Number(match[1])
    );
    const bodies = raw.text.split(/HTTP\/1.1 200 OK\r\n[^{]*/).slice(1);
    assert.deepEqual(bodies.map(({ length }) => length), lengths);
    assert.equal(bodies.length, ANSWERS);
  },
});

Deno.test({
  name: "serve waits for no connection that is idle or has never said anything when it ends",
  ignore,
  async fn() {
    await using gateway = await GatewayProcess.start({
      command: faultyServer(),
      args: ["--shared"],
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const silent = new RawClient(gateway.port);
    const idle = new RawClient(gateway.port);
    idle.write(postOf(client.sessionId!, '{"jsonrpc":"2.0","id":1,"method":"ping"}'));
    await bounded(idle.until(/"result"/), "an answer");
    gateway.signal("SIGTERM");
    // The time for headers is 10 s, that of an idle connection 60 s.
    assert.equal((await bounded(gateway.status, "the end of the gateway", 6_000)).code, 0);
    await Promise.all([silent.ended, idle.ended]);
  },
});

Deno.test({
  name: "serve gives calls up at the hard end of its drain, and waits for no slow client",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    await using gateway = await GatewayProcess.start({
      command: ledger.command,
      args: ["--shared"],
      env: { SLUICE_LIMITS_DRAIN_MS: "300" },
    });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    const slow = new RawClient(gateway.port);
    const body = callOf({});
    slow.write(postOf(client.sessionId!, body).slice(0, -10)); // the rest never comes
    const call = client.call("1", { nonce: "n", ms: 60_000 });
    await ledger.until("n");
    gateway.signal("SIGTERM");
    const answer = await bounded(call, "the hard end");
    assert.deepEqual([answer.status, answer.code, answer.outcome], [200, -31001, "unknown"]);
    assert.equal((await bounded(gateway.status, "the end of the gateway", 10_000)).code, 0);
    assert.deepEqual(gateway.descendants(), []);
    await slow.close();
  },
});

Deno.test({
  name: "serve exits at once, with code 0 and without children, at the second SIGTERM",
  ignore,
  async fn() {
    await using ledger = await Ledger.open();
    const { command } = ledger;
    await using gateway = await GatewayProcess.start({ command, args: ["--shared"] });
    using client = new GatewayClient(gateway.url);
    await client.initialize();
    for (const fault of ["spawn", "spawn-setsid"]) await client.call(`"${fault}"`, { fault });
    const call = client.call("1", { nonce: "n", ms: 60_000 });
    call.catch(() => {}); // cut off
    await ledger.until("n");
    gateway.signal("SIGTERM");
    await until(() => refusesConnections(gateway.port), "the refusal of new connections", 3_000);
    gateway.signal("SIGTERM");
    // The default drain would wait for 30 s.
    assert.equal((await bounded(gateway.status, "the end of the gateway", 9_000)).code, 0);
    await until(() => gateway.descendants().length === 0, "the end of the children", 6_000);
  },
});

for (
  const [how, stop] of [
    ["SIGTERM", (pid: number) => Deno.kill(pid, "SIGTERM")],
    ["the end of stdin", undefined],
  ] as const
) {
  Deno.test({
    name: `proxy answers everything in flight at ${how}, and exits with code 0`,
    ignore,
    async fn() {
      await using ledger = await Ledger.open();
      await using proxy = startStdioPeer(sluiceCommand("proxy", { command: ledger.command }));
      await proxy.initialize();
      const ids = Array.from({ length: 100 }, (_, id) => id);
      for (const id of ids) {
        const params = { name: "echo", arguments: { nonce: `n${id}`, ms: 500 } };
        await proxy.sendLine(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }));
      }
      await ledger.until(...ids.map((id) => `n${id}`));
      if (stop === undefined) await proxy.closeInput();
      else stop(proxy.pid);
      const answered: unknown[] = [];
      while (answered.length < ids.length) {
        const message = JSON.parse(await proxy.nextLine());
        assert.equal(JSON.parse(message.result.content[0].text).nonce, `n${message.id}`);
        answered.push(message.id);
      }
      assert.deepEqual(answered, ids);
      assert.equal((await bounded(proxy.status, "the end of the proxy")).code, 0);
    },
  });
}

function callOf(args: unknown): string {
  return JSON.stringify({
    ...{ jsonrpc: "2.0", id: 7, method: "tools/call" },
    params: { name: "echo", arguments: args },
  });
}

function postOf(sessionId: string, body: string): string {
  return [
    "POST /mcp HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    "accept: application/json, text/event-stream",
    `mcp-session-id: ${sessionId}`,
    `content-length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}
