import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import WebSocket from "ws";
import { bounded } from "../fixtures/child_wait.ts";
import { until } from "../fixtures/gateway_process.ts";
import { LineClient } from "../fixtures/line_client.ts";
import { ProtectionScene } from "../fixtures/protection_scene.ts";

/** A malformed body, as a client that is no client sends it. */
const GARBAGE = '{"jsonrpc":"2.0","id":1,';

/** Sends pings over TCP; how many were answered with a result. */
async function pingsOverTcp(url: URL, count: number): Promise<number> {
  using client = await LineClient.connect(url);
  client.read();
  let admitted = 0;
  for (let id = 1; id <= count; id++) {
    await client.write(`{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`);
    const { result, error } = JSON.parse((await client.line())!);
    if (result !== undefined) admitted++;
    else assert.equal(error.code, -31004);
  }
  return admitted;
}

async function pingsOverWebSocket(url: URL, count: number): Promise<number> {
  const socket = new WebSocket(new URL("/mcp/ws", url.href.replace("http", "ws")), "mcp");
  let admitted = 0, left = count;
  const done = Promise.withResolvers<void>();
  socket.on("error", done.reject);
  socket.on("message", (data: unknown) => {
    const { result, error } = JSON.parse(String(data));
    if (result !== undefined) admitted++;
    else assert.equal(error.code, -31004);
    if (--left === 0) socket.close();
  });
  socket.on("close", () => done.resolve());
  socket.on("open", () => {
    for (let id = 1; id <= count; id++) {
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
    }
  });
  await done.promise;
  return admitted;
}

Deno.test("serve admits no more than the limit over all transports together", async () => {
  await using scene = await ProtectionScene.start(() => ({
    rate: { perSecond: 1, burst: 30, loopback: true },
    http: {},
  }));
  const startMs = performance.now();
  const client = await scene.opened("203.0.113.1"); // nobody believes that header here
  const overHttp = async () => {
    let admitted = 1; // initialize
    for (let i = 0; i < 30; i++) if ((await client.call()).status === 200) admitted++;
    return admitted;
  };
  const admitted = await Promise.all([
    overHttp(),
    pingsOverTcp(scene.tcp, 30),
    pingsOverWebSocket(scene.serve.url, 30),
  ]);
  const elapsedS = (performance.now() - startMs) / 1000;
  const sum = admitted.reduce((a, b) => a + b);
  assert.ok(sum >= 30 && sum <= 30 + elapsedS, `${admitted} in ${elapsedS} s`);
  const refused = await scene.metric('sluice_rate_limited_total{principal_tier="none"}');
  assert.equal(refused, 91 - sum);
});

Deno.test("serve limits each client behind a trusted proxy by itself, and says when to come back", async () => {
  await using scene = await ProtectionScene.start(() => ({ rate: { perSecond: 1, burst: 5 } }));
  const one = await scene.opened("203.0.113.1");
  const other = await scene.opened("203.0.113.2");
  const answers = [];
  for (let i = 0; i < 12; i++) answers.push(await one.call());
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 3, `${refused.length}`);
  for (const { code, headers, text } of refused) {
    assert.equal(code, -31004);
    assert.equal(headers.get("retry-after"), "1");
    assert.equal(headers.get("x-ratelimit-limit"), "5");
    assert.equal(headers.get("x-ratelimit-remaining"), "0");
    assert.ok(Number(headers.get("x-ratelimit-reset")) >= Math.floor(Date.now() / 1000));
    const { retryAfterMs, outcome } = JSON.parse(text).error.data;
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 1000, `${retryAfterMs}`);
    assert.equal(outcome, "not_sent");
  }
  const { status, headers } = await other.call();
  assert.equal(status, 200);
  assert.equal(headers.get("x-ratelimit-limit"), "5");
  assert.ok(Number(headers.get("x-ratelimit-remaining")) >= 3);
});

Deno.test("serve holds a principal to its tier, wherever it comes from", async () => {
  const key = "k".repeat(43);
  const digest = `sha256:${createHash("sha256").update(key).digest("hex")}`;
  await using scene = await ProtectionScene.start(() => ({
    listen: ["http://127.0.0.1:0"],
    auth: { clients: { alice: { keys: { first: digest }, tier: "trial" } } },
  }));
  const headers = { "x-api-key": key };
  const here = await scene.opened("203.0.113.1", headers);
  const there = await scene.opened("203.0.113.2", headers);
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) {
    statuses.push((await here.call()).status, (await there.call()).status);
  }
  const admitted = statuses.filter((status) => status === 200).length;
  assert.ok(admitted >= 8 && admitted <= 9, `${statuses}`); // a token comes back every 6 s
  const last = await here.call();
  assert.equal(last.headers.get("x-ratelimit-limit"), "10");
  assert.ok(Number(last.headers.get("retry-after")) <= 6);
});

Deno.test("serve refuses whoever is on the deny list, from the reload on that names them until the one that does not", async () => {
  await using scene = await ProtectionScene.start(() => ({
    deny: { addresses: ["198.51.100.0/24"] },
  }));
  const one = await scene.opened("203.0.113.1");
  const other = await scene.opened("203.0.113.2");
  assert.equal((await scene.client("198.51.100.77").initialize()).code, -31009);
  await scene.reload({ deny: { addresses: ["203.0.113.1"] } });
  const refused = await one.call();
  assert.deepEqual([refused.status, refused.code], [403, -31009]);
  assert.equal((await other.call()).status, 200);
  assert.equal((await scene.client("198.51.100.77").initialize()).status, 200);
  await scene.reload({ deny: {} });
  assert.equal((await one.call()).status, 200);
  assert.equal(await scene.metric('sluice_security_events_total{type="denied_address"}'), 2);
});

Deno.test("serve closes connections of denied addresses unheard", async () => {
  await using scene = await ProtectionScene.start(() => ({ deny: { addresses: ["127.0.0.2"] } }));
  const { port } = scene.tcp;
  const from = async (hostname: string) => {
    await using connection = await connectFrom(hostname, Number(port));
    return await connection.ended;
  };
  assert.equal(await from("127.0.0.2"), "closed");
  assert.equal(await from("127.0.0.1"), "answered");
});

/** A connection from an address of this machine, and what became of it. */
async function connectFrom(localAddress: string, port: number) {
  const net = await import("node:net");
  const socket = net.connect({ host: "127.0.0.1", port, localAddress });
  const ended = Promise.withResolvers<string>();
  socket.on("error", () => ended.resolve("closed"));
  socket.on("close", () => ended.resolve("closed"));
  socket.on("data", () => ended.resolve("answered"));
  socket.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  return {
    ended: ended.promise,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        socket.destroy();
        if (socket.closed) resolve();
        else socket.once("close", () => resolve());
      }),
  };
}

Deno.test("serve refuses a client that keeps violating the protocol, and nobody else behind the same proxy", async () => {
  await using scene = await ProtectionScene.start((folder) => ({
    audit: { path: `${folder}/audit.log` },
    suspicion: { refuseMs: 600_000 },
  }));
  const bad = await scene.opened("203.0.113.66");
  const good = await scene.opened("203.0.113.2");
  for (let i = 0; i < 10; i++) assert.equal((await bad.post(GARBAGE)).status, 400);
  const refused = await bad.call();
  assert.deepEqual([refused.status, refused.code], [403, -31009]);
  assert.equal(refused.headers.get("retry-after"), "600");
  assert.equal((await scene.client("203.0.113.66").initialize()).status, 403);
  assert.equal((await good.call()).status, 200);
  assert.equal(await scene.metric("sluice_suspicious_clients"), 1);
  assert.equal(await scene.metric('sluice_security_events_total{type="protocol_violation"}'), 10);
  const path = `${scene.folder}/audit.log`;
  const lines = async () => (await Deno.readTextFile(path)).trim().split("\n");
  await until(async () => (await lines()).length >= 13, "13 lines of audit");
  const events = (await lines()).map((line) => JSON.parse(line));
  assert.ok(events.every(({ address }) => address.startsWith("203.0.113.66")));
  assert.deepEqual(
    events.map(({ type }) => type),
    [...Array(10).fill("protocol_violation"), ...Array(3).fill("suspicious_client")],
  );
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await scene.reload({ suspicion: { enabled: false } });
  assert.equal((await bad.call()).status, 200);
});

Deno.test("serve does not suspect clients of this machine, nor count what its own proxy does wrong", async () => {
  await using scene = await ProtectionScene.start(() => ({}));
  const proxy = new URL(scene.serve.url);
  for (let i = 0; i < 40; i++) {
    using line = await LineClient.connect(proxy);
    line.read();
    await line.write("NOT HTTP AT ALL\r\n\r\n");
    await bounded(line.ended, "the end of a connection that speaks no HTTP");
  }
  assert.equal((await scene.opened("203.0.113.2")).sessionId!.length > 10, true);
  assert.equal(await scene.metric("sluice_suspicious_clients"), 0);
  assert.ok(await scene.metric('sluice_security_events_total{type="protocol_violation"}') >= 40);
});

Deno.test("serve refuses calls that hold threats however they are escaped, on every transport", async () => {
  await using scene = await ProtectionScene.start(() => ({
    threats: { mode: "deny", builtin: ["script_tag"], rules: { secret_word: ["open sesame"] } },
  }));
  const client = await scene.opened("203.0.113.1");
  const call = (text: string) =>
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"${text}"}}}`;
  const threats = ["<script>", "\\u003cScript", "\\u003c\\u0073cript", "OPEN\\u0020Sesame"];
  for (const text of threats) {
    const { status, code, text: answer } = await client.post(call(text));
    assert.deepEqual([status, code], [403, -31009], text);
    assert.ok(!answer.includes("<script"));
  }
  assert.equal((await client.post(call("a script, open, and sesame"))).status, 200);
  using line = await LineClient.connect(scene.tcp);
  line.read();
  const other = call("fine").replace("7", "8");
  await line.write(`${call(threats[2])}\n${other}\n`);
  const answers = [JSON.parse((await line.line())!), JSON.parse((await line.line())!)];
  const byKind = answers.map(({ error }) => error?.code).sort();
  assert.deepEqual(byKind, [-31009, undefined]);
  assert.equal(await scene.metric('sluice_security_events_total{type="threat_found"}'), 5);
});

Deno.test("serve bounds the sessions of one client, and leaves the others theirs", async () => {
  await using scene = await ProtectionScene.start(() => ({ rate: { burst: 10_000 } }));
  const clients = [];
  for (let i = 0; i < 100; i++) clients.push(await scene.opened("203.0.113.1"));
  for (let i = 0; i < 50; i++) {
    const { status, code, headers } = await scene.client("203.0.113.1").initialize();
    assert.deepEqual([status, code, headers.get("retry-after")], [429, -31004, "60"]);
  }
  await scene.opened("203.0.113.2");
  await clients[0].leave();
  await scene.opened("203.0.113.1");
  assert.equal(await scene.metric("sluice_sessions"), 101);
});
