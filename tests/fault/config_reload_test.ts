/**
 * A configuration that changes under a gateway with clients.
 */
import assert from "node:assert/strict";
import { bounded } from "../fixtures/child_wait.ts";
import { EventStream } from "../fixtures/gateway_client.ts";
import { keepCalling, ReloadScene, textOf, ToolClient } from "../fixtures/reload_scene.ts";
import { echoServer, faultyServer } from "../fixtures/servers.ts";

const STAY = { stay: faultyServer(), other: echoServer() };
const MORE = { ...STAY, extra: faultyServer() };
const RELOADS = 50;

Deno.test("50 reloads that add and remove a server cost no call and no stream of those that stay", async () => {
  await using scene = await ReloadScene.start({ servers: STAY });
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  await using stream = await client.listen();
  await using modern = await modernListen(scene.serve.url);
  await client.tools();
  const stop = new AbortController();
  const calling = keepCalling(scene.serve.url, "stay__echo", { lanes: 4, stop: stop.signal });
  let changes = 0;
  for (let i = 1; i <= RELOADS; i++) {
    const isMore = i % 2 === 1;
    const content = { servers: isMore ? MORE : STAY };
    await (i % 3 === 0 ? scene.write(content) : scene.replace(content));
    do {
      await stream.until(++changes);
    } while ((await client.tools()).includes("extra__echo") !== isMore);
  }
  stop.abort();
  const { answered, failures, pids } = await calling;
  assert.deepEqual(failures, []);
  assert.ok(answered >= RELOADS, `${answered} calls`);
  assert.equal(pids.size, 1, "the server that stays was started once for the session");
  assert.ok(stream.messages.every(({ method }) => method === "notifications/tools/list_changed"));
  assert.equal(modern.messages[0].method, "notifications/subscriptions/acknowledged");
  const states = [stream.ended, modern.ended].map((ended) => Promise.race([ended, "open"]));
  assert.deepEqual(await Promise.all(states), ["open", "open"]);
  assert.equal(await scene.reloads("ok"), RELOADS);
  assert.equal(await scene.reloads("refused"), 0);
});

Deno.test("a removed server finishes its call, takes no new one, and its process ends", async () => {
  await using scene = await ReloadScene.start({ servers: MORE });
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  await using stream = await client.listen();
  await client.tools();
  using caller = new ToolClient(scene.serve.url.href);
  await caller.initialize();
  const { pid } = await caller.tool("extra__echo", { nonce: "first" });
  const running = caller.tool("extra__echo", { nonce: "running", ms: 3_000 });
  await scene.write({ servers: STAY });
  await stream.until(1);
  assert.deepEqual((await client.tools()).map((name) => name.split("__")[0]), ["stay", "other"]);
  assert.match((await client.tool("extra__echo", { nonce: "late" })).failure!, /unknown/);
  assert.deepEqual(await running.then(({ nonce, pid }) => ({ nonce, pid })), {
    nonce: "running",
    pid,
  });
  await scene.logged("configuration applied");
  await bounded(gone(pid!), "the end of the process");
  assert.equal(stream.messages.length, 1, "one list_changed");
});

Deno.test("a broken, a truncated and a missing file change nothing and say where", async () => {
  await using scene = await ReloadScene.start({ servers: STAY });
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  const tools = await client.tools();
  const text = textOf({ servers: MORE });
  await scene.write(text.replace('"mcpServers": {', '"mcpServers": {\n"x": nothing,'));
  await scene.until("refused", 1);
  await scene.logged("gateway.json:3)");
  await scene.replace(text.slice(0, text.indexOf("extra")));
  await scene.until("refused", 2);
  await scene.write({ servers: MORE, sluice: { limits: { sesions: 3 } } });
  await scene.until("refused", 3);
  await scene.logged("sessions");
  await Deno.remove(scene.file);
  await scene.until("refused", 4);
  await scene.logged("there is no such file");
  assert.deepEqual(await client.tools(), tools);
  assert.equal(await scene.reloads("ok"), 0);
  await scene.write({ servers: STAY });
  await scene.until("unchanged", 1);
  await scene.replace({ servers: STAY }); // the same content: nobody notices
  scene.serve.signal("SIGHUP");
  await scene.until("unchanged", 2);
  await scene.write({ servers: MORE });
  await scene.until("ok", 1);
  assert.deepEqual(await client.tools(), [...tools, "extra__echo"]);
});

Deno.test("one server and several take turns under a client's session", async () => {
  const [one, two] = [{ stay: faultyServer() }, STAY];
  await using scene = await ReloadScene.start({ servers: one });
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  await using stream = await client.listen();
  assert.deepEqual(await client.tools(), ["echo"]);
  using caller = new ToolClient(scene.serve.url.href);
  await caller.initialize();
  const running = caller.tool("echo", { nonce: "running", ms: 2_000 });
  await scene.write({ servers: two });
  await stream.until(1);
  assert.deepEqual(await client.tools(), ["stay__echo", "other__echo"]);
  assert.equal((await client.tool("stay__echo", { nonce: "two" })).nonce, "two");
  assert.equal((await running).nonce, "running");
  await scene.write({ servers: one });
  await stream.until(2);
  assert.deepEqual(await client.tools(), ["echo"]);
  assert.equal((await client.tool("echo", { nonce: "one" })).nonce, "one");
  assert.equal(await Promise.race([stream.ended, "open"]), "open");
});

Deno.test("listeners come and go, limits and the log level change, the rest needs a restart", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/more.sock`;
  const http = "http://127.0.0.1:0";
  await using scene = await ReloadScene.start(
    { servers: STAY, sluice: { listen: [http] } },
    "configured",
  );
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  await scene.write({
    servers: STAY,
    sluice: { listen: [http, `unix:${path}`], log: { level: "debug" } },
  });
  await scene.until("ok", 1);
  const connection = await Deno.connect({ transport: "unix", path });
  const limits = { sessions: 1, messageBytes: 5000 };
  await scene.write({
    servers: STAY,
    sluice: { listen: [http], limits: { ...limits, drainMs: 200 } },
  });
  await scene.until("ok", 2);
  await scene.logged("needs a restart: limits.messageBytes");
  await assert.rejects(Deno.connect({ transport: "unix", path }));
  assert.equal(await bounded(connection.read(new Uint8Array(1)), "the end of it"), null);
  connection.close();
  using second = new ToolClient(scene.serve.url.href);
  assert.equal((await second.initialize()).status, 503);
  assert.equal((await client.tool("stay__echo", { nonce: "still" })).nonce, "still");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an address that is taken, and a key that cannot be read, change nothing", async () => {
  const http = "http://127.0.0.1:0";
  await using scene = await ReloadScene.start(
    { servers: STAY, sluice: { listen: [http] } },
    "configured",
  );
  using client = new ToolClient(scene.serve.url.href);
  await client.initialize();
  const tools = await client.tools();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const where = `127.0.0.1:${taken.addr.port}`;
  await scene.write({ servers: MORE, sluice: { listen: [http, `http://${where}`] } });
  await scene.until("refused", 1);
  await scene.logged(`Cannot listen on ${where}`);
  const tls = `https://127.0.0.1:0?cert=${scene.file}&key=${scene.file}.missing`;
  await scene.write({ servers: MORE, sluice: { listen: [http, tls] } });
  await scene.until("refused", 2);
  await scene.logged(".missing");
  assert.deepEqual(await client.tools(), tools);
  assert.equal(await scene.reloads("ok"), 0);
});

/** A listen stream of the era without sessions. */
async function modernListen(url: URL): Promise<EventStream> {
  const version = "2026-07-28";
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": version,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "mcp-method": "subscriptions/listen",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "subscriptions/listen",
      params: { notifications: { toolsListChanged: true }, _meta },
    }),
  });
  assert.equal(response.status, 200);
  const stream = new EventStream(response.body!);
  await stream.until(1);
  return stream;
}

async function gone(pid: number): Promise<void> {
  const { allGone } = await import("../fixtures/child_wait.ts");
  await allGone([pid], 20_000);
}
