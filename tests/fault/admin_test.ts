import assert from "node:assert/strict";
import http from "node:http";
import { runSluice, type SluiceServe, startServe } from "../fixtures/sluice.ts";

const ECHO = new URL("builtin:echo");
const TOKEN = "0123456789abcdef0123456789abcdef";
const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };
const MCP = { "content-type": "application/json", accept: "application/json, text/event-stream" };

const PARAMS = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "robot", version: "7" },
};

async function openSession({ url }: SluiceServe): Promise<string> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: PARAMS });
  const answer = await fetch(url, { method: "POST", headers: MCP, body });
  await answer.body?.cancel();
  return answer.headers.get("mcp-session-id")!;
}

async function callTool({ url }: SluiceServe, session: string, name: string): Promise<void> {
  const params = { name, arguments: { message: "an argument that stays secret" } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params });
  const headers = { ...MCP, "mcp-session-id": session };
  await (await fetch(url, { method: "POST", headers, body })).body?.cancel();
}

async function ask(
  { url }: SluiceServe,
  path: string,
  init: RequestInit = {},
  // deno-lint-ignore no-explicit-any -- JSON of the admin routes
): Promise<{ status: number; text: string; json: any }> {
  const answer = await fetch(new URL(path, url), init);
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  return { status: answer.status, text, json: isJson ? JSON.parse(text) : undefined };
}

const change = (method: string, body: unknown = {}): RequestInit => ({
  method,
  headers: { "x-sluice-admin": "1", "content-type": "application/json" },
  body: JSON.stringify(body),
});

const LOOKS = [
  ...["/health", "/health/gateway", "/metrics", "/mcp/stats", "/mcp/admin/connections"],
  ...["/mcp/admin/errors", "/mcp/admin/patterns", "/mcp/admin/breakers", "/mcp/admin/pools"],
  ...["/mcp/admin/features", "/mcp/admin/log-levels", "/mcp/admin/leaks"],
];

Deno.test("admin routes tell of clients by hash, and show neither ids nor arguments", async () => {
  await using gateway = await startServe(ECHO);
  const session = await openSession(gateway);
  const { json: { clients: [client] } } = await ask(gateway, "/mcp/admin/connections");
  assert.equal(client.software, "robot 7");
  const traced = `/mcp/admin/trace/${client.client}`;
  assert.equal((await ask(gateway, traced, change("POST"))).status, 200);
  await callTool(gateway, session, "echo");
  await callTool(gateway, session, "nothing of that name");
  const { json: { clients: [{ trace }] } } = await ask(gateway, traced);
  assert.deepEqual(trace.map((one: { name: string }) => one.name), [
    "nothing of that name",
    "echo",
  ]);
  const health = await ask(gateway, `/mcp/health/${client.client}`);
  assert.deepEqual([health.status, health.json.connected, health.json.calls], [200, true, 3]);
  assert.equal((await ask(gateway, `/mcp/health/client/${client.client}`)).status, 200);
  assert.equal((await ask(gateway, `/mcp/health/${session}`)).status, 404);
  for (const path of [...LOOKS, traced, `/mcp/health/${client.client}`]) {
    const { status, text } = await ask(gateway, path);
    assert.equal(status, 200, path);
    assert.ok(!text.includes(session), `${path} shows the id of a session`);
    assert.ok(!text.includes("stays secret"), `${path} shows an argument`);
  }
});

Deno.test("POST /mcp/admin/cleanup ends idle sessions, and those alone", async () => {
  await using gateway = await startServe(ECHO);
  const session = await openSession(gateway);
  assert.deepEqual((await ask(gateway, "/mcp/admin/cleanup", change("POST"))).json, {
    idleS: 300,
    ended: 0,
  });
  assert.equal((await ask(gateway, "/mcp/admin/cleanup", { method: "POST" })).status, 403);
  let ended = 0;
  for (const giveUpMs = Date.now() + 20_000; ended === 0 && Date.now() < giveUpMs;) {
    ended = (await ask(gateway, "/mcp/admin/cleanup", change("POST", { idleS: 1 }))).json.ended;
  }
  assert.equal(ended, 1);
  const headers = { ...MCP, "mcp-session-id": session };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 3, method: "ping" });
  assert.equal((await ask(gateway, "/mcp", { method: "POST", headers, body })).status, 404);
});

Deno.test("admin routes refuse whoever shows no token, comes by a proxy, or is a page", async () => {
  await using open = await startServe(ECHO);
  const status = async (gateway: SluiceServe, path: string, headers = {}) =>
    (await ask(gateway, path, { headers })).status;
  assert.equal(await status(open, "/mcp/stats"), 200);
  for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    assert.equal(await status(open, "/mcp/stats", { [name]: "127.0.0.1" }), 403, name);
  }
  assert.equal(await status(open, "/mcp/stats", { origin: open.url.origin }), 403);
  const env = { OPERATORS_TOKEN: TOKEN };
  const folder = await Deno.makeTempDir();
  try {
    const admin = { tokens: { ops: "${OPERATORS_TOKEN}" }, protect: ["metrics", "health"] };
    const listen = ["http://127.0.0.1:0"];
    const file = `${folder}/gateway.json`;
    const tokenFile = `${folder}/token`;
    await Deno.writeTextFile(file, JSON.stringify({ sluice: { listen, admin } }));
    await Deno.writeTextFile(tokenFile, `${TOKEN}\n`);
    const flags = ["--config", file];
    await using closed = await startServe(ECHO, { flags, env, listen: "configured" });
    for (const path of LOOKS) {
      assert.equal(await status(closed, path), 401, path);
      assert.equal(await status(closed, path, { authorization: "Bearer wrong" }), 401, path);
      assert.equal(await status(closed, path, WITH_TOKEN), 200, path);
    }
    assert.equal(await status(closed, "/ready"), 200);
    const stats = ["admin", "stats", "--url", closed.url.href];
    assert.match((await runSluice([...stats, "--token-file", tokenFile])).stdout, /requests/);
    const refused = await runSluice(stats);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^sluice: Cannot ask http:\S+: a token of an operator is needed; /,
    );
    assert.ok(!closed.stderr().includes(TOKEN));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a share of a feature is put in force without a restart", async () => {
  await using gateway = await startServe(ECHO);
  const set = (body: unknown) => ask(gateway, "/mcp/admin/features", change("PUT", body));
  const { json } = await set({ name: "cache", percent: 10 });
  const [cache] = json.features;
  assert.deepEqual([cache.name, cache.percent, cache.source], ["cache", 10, "operator"]);
  assert.equal((await set({ name: "cache", percent: 101 })).status, 400);
  assert.equal((await set({ name: "speed", percent: 1 })).status, 409);
  assert.equal((await set({ name: "cache" })).status, 400);
  const { text } = await ask(gateway, "/metrics");
  assert.match(text, /^sluice_feature_percent\{feature="cache"\} 10$/m);
});

Deno.test("a share of a feature follows the configuration file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/gateway.json`;
    const write = (features: unknown) =>
      Deno.writeTextFile(
        file,
        JSON.stringify({ sluice: { listen: ["http://127.0.0.1:0"], features } }),
      );
    await write({ cache: 25 });
    const flags = ["--config", file];
    await using gateway = await startServe(ECHO, { flags, listen: "configured" });
    const cache = async () => {
      const { json } = await ask(gateway, "/mcp/admin/features");
      const [{ percent, source }] = json.features;
      return `${percent} ${source}`;
    };
    assert.equal(await cache(), "25 config");
    await write({ cache: false });
    const giveUpMs = Date.now() + 20_000;
    while (await cache() !== "0 config") assert.ok(Date.now() < giveUpMs, "not applied");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("open dashboards do not hold up the end of the gateway", async () => {
  await using gateway = await startServe(ECHO);
  const events = new URL("/metrics/dashboard/events", gateway.url);
  const seen = Promise.withResolvers<void>();
  const ended = new Promise<string>((resolve, reject) => {
    http.get(events, { agent: false }, (answer) => {
      let text = "";
      answer.on("data", (part) => {
        text += part;
        if (text.includes("event: overview")) seen.resolve();
      });
      answer.on("end", () => resolve(text));
      answer.on("error", reject);
    }).on("error", reject);
  });
  await seen.promise;
  const { code } = await gateway.stop();
  assert.equal(code, 0);
  assert.match(await ended, /event: end\ndata: \{\}\n\n$/);
});

Deno.test("admin.listen takes everything for operators off the other listeners", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/gateway.json`;
    const sluice = { listen: ["http://127.0.0.1:0"], admin: { listen: "http://127.0.0.1:0" } };
    await Deno.writeTextFile(file, JSON.stringify({ sluice }));
    const flags = ["--config", file];
    await using gateway = await startServe(ECHO, { flags, listen: "configured" });
    const own = /look at {2}(http:\S+)\/metrics\/dashboard/.exec(gateway.stdout());
    assert.notEqual(own, null);
    for (const path of ["/metrics", "/mcp/stats", "/metrics/dashboard", "/mcp/admin/errors"]) {
      assert.equal((await ask(gateway, path)).status, 404, path);
      assert.equal((await fetch(`${own![1]}${path}`).then(drained)).status, 200, path);
    }
    assert.equal((await ask(gateway, "/health")).status, 200);
    assert.equal((await fetch(`${own![1]}/mcp`, { method: "POST" }).then(drained)).status, 404);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what operators ask of several workers is answered for all, and changes reach all", async () => {
  await using gateway = await startServe(ECHO, { flags: ["--workers", "2"] });
  // each over a connection of its own, which any worker may get
  const opened: string[] = [];
  const numbers = new Set<string>();
  while (numbers.size < 2 && opened.length < 100) {
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: PARAMS });
    const answer = await fetch(gateway.url, { method: "POST", headers: MCP, body, client });
    await answer.body?.cancel();
    client.close();
    opened.push(answer.headers.get("mcp-session-id")!);
    numbers.add(opened.at(-1)!.split("~")[0]);
  }
  assert.equal(numbers.size, 2, "one worker got every connection");
  const { json } = await ask(gateway, "/mcp/admin/connections");
  assert.equal(json.known, opened.length);
  await ask(gateway, "/mcp/admin/features", change("PUT", { name: "cache", percent: 40 }));
  const { text } = await ask(gateway, "/metrics"); // the least of all workers
  assert.match(text, /^sluice_feature_percent\{feature="cache"\} 40$/m);
  const leaks = await ask(gateway, "/mcp/admin/leaks");
  assert.equal(leaks.json.processes.length, 2);
  let ended = 0;
  for (const giveUpMs = Date.now() + 20_000; ended < opened.length && Date.now() < giveUpMs;) {
    ended += (await ask(gateway, "/mcp/admin/cleanup", change("POST", { idleS: 1 }))).json.ended;
  }
  assert.equal(ended, opened.length);
});

async function drained(answer: Response): Promise<Response> {
  await answer.body?.cancel();
  return answer;
}
