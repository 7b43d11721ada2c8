import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { type GatewayProcess, until } from "../fixtures/gateway_process.ts";
import { faultyServer } from "../fixtures/servers.ts";
import {
  ask,
  callEcho,
  post,
  sessionOfEach,
  startWorkers,
  textOf,
  workerPids,
} from "../fixtures/workers_scene.ts";

/** Requests that land on one of two workers by chance: all on the same once in a million runs. */
const TRIES = 20;

const ignore = Deno.build.os !== "linux";
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("a session is served whichever worker its requests reach", async () => {
  await using gateway = await startWorkers(2);
  const sessions = await sessionOfEach(gateway.url, 2);
  for (const id of sessions.values()) {
    for (let i = 0; i < TRIES; i++) {
      const { status, body } = await callEcho(gateway.url, id, { text: `${i}` });
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body.result.content[0].text), { text: `${i}` });
    }
  }
  assert.ok(await gateway.metric("sluice_relayed_requests_total") > 0);
  const [id] = sessions.values();
  const deleted = await ask(gateway.url, "DELETE", { "mcp-session-id": id });
  assert.equal(deleted.statusCode, 200);
  await textOf(deleted);
  for (let i = 0; i < TRIES; i++) assert.equal((await callEcho(gateway.url, id, {})).status, 404);
});

test("a connection of HTTP+SSE takes messages from any worker, and can be resumed through any", async () => {
  await using gateway = await startWorkers(2);
  const url = new URL("/mcp/sse", gateway.url);
  const stream = await ask(url, "GET", { accept: "text/event-stream" });
  const answers = eventsOf(stream);
  const endpoint = new URL((await answers.next()).value!, url);
  for (let id = 1; id <= TRIES; id++) {
    const message = JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
    const { statusCode } = await ask(endpoint, "POST", JSON_TYPE, message);
    assert.equal(statusCode, 202);
    assert.equal(JSON.parse((await answers.next()).value!).id, id);
  }
  const lastEventId = `${endpoint.searchParams.get("sessionId")}.${TRIES - 1}`;
  stream.destroy();
  for (let i = 0; i < TRIES / 2; i++) {
    const headers = { accept: "text/event-stream", "last-event-id": lastEventId };
    const resumed = await ask(url, "GET", headers);
    const first = eventsOf(resumed);
    assert.match((await first.next()).value!, /sessionId=/);
    assert.equal(JSON.parse((await first.next()).value!).id, TRIES);
    resumed.destroy();
  }
});

test("ids that name a worker wrongly are unknown sessions", async () => {
  await using gateway = await startWorkers(2);
  const forged = ["1~x", "2~x", "3~x", "64~x", "99~x", "2~../../x", "2~", "~", "2~x, 1~y"];
  for (const id of forged) {
    for (let i = 0; i < 4; i++) assert.equal((await callEcho(gateway.url, id, {})).status, 404, id);
  }
});

test("questions, progress and answers pass between workers", async () => {
  await using gateway = await startWorkers(2, { command: faultyServer() });
  for (const id of (await sessionOfEach(gateway.url, 2)).values()) {
    for (let i = 0; i < TRIES / 2; i++) {
      const params = { name: "echo", arguments: { fault: "ask", nonce: `${i}` } };
      const headers = {
        "mcp-session-id": id,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      };
      const call = JSON.stringify({ jsonrpc: "2.0", id: "q", method: "tools/call", params });
      const answer = await ask(gateway.url, "POST", headers, call);
      let text = "";
      for await (const part of answer.setEncoding("utf8")) {
        text += part;
        const question = /^data: (.*sampling\/createMessage.*)$/m.exec(text);
        if (question === null || text.includes('"id":"q"')) continue;
        const { id: asked } = JSON.parse(question[1]);
        const result = { role: "assistant", model: "m", content: { type: "text", text: "yes" } };
        assert.equal((await post(gateway.url, { id: asked, result }, id)).status, 202);
      }
      assert.match(text, /"id":"q"/);
    }
  }
});

test("health and metrics are those of all workers", async () => {
  await using gateway = await startWorkers(3);
  const sessions = await sessionOfEach(gateway.url, 3);
  const opened = await gateway.metric("sluice_sessions");
  assert.ok(opened >= sessions.size);
  for (let i = 0; i < TRIES; i++) {
    const health = await (await fetch(new URL("/health", gateway.url))).json();
    assert.deepEqual(health.workers, { configured: 3, answered: 3 });
    assert.equal(health.sessions, opened);
    assert.equal(await gateway.metric("sluice_sessions"), opened);
  }
  const metrics = await gateway.metrics();
  assert.equal(metrics.get("sluice_workers"), 3);
  assert.equal([...metrics].find(([name]) => name.startsWith("sluice_build_info"))![1], 1);
  Deno.kill(workerPids(gateway).get(2)!, "SIGSTOP");
  const answered = await gatewayFigure(gateway, "sluice_workers_answered");
  Deno.kill(workerPids(gateway).get(2)!, "SIGCONT");
  assert.equal(answered, 2);
});

test("SIGHUP lets every worker read its configuration", async () => {
  const folder = await Deno.makeTempDir();
  const config = join(folder, "sluice.json");
  const write = (name: string) =>
    Deno.writeTextFile(config, JSON.stringify({ mcpServers: { [name]: { url: "builtin:echo" } } }));
  await write("before");
  await using gateway = await startWorkers(2, { args: ["--config", config] });
  await write("after");
  gateway.signal("SIGHUP");
  const series = 'sluice_config_reloads_total{outcome="ok"}';
  await until(async () => (await gateway.metrics()).get(series) === 2, "two workers with it");
  await Deno.remove(folder, { recursive: true });
});

test("one worker exports by shared memory, and another takes over", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "export.bin");
  const args = ["--shm", path, "--upstream", "echo=builtin:echo"];
  await using gateway = await startWorkers(2, { args });
  await until(async () => await gateway.metric("sluice_shm_entries") > 0, "an export");
  const [first] = Array.from(gateway.log.matchAll(/export is off/g));
  assert.equal(first, undefined);
  for (const number of [1, 2]) {
    const pid = workerPids(gateway).get(number)!;
    Deno.kill(pid, "SIGKILL");
    await until(() => workerPids(gateway).get(number) !== pid, `another worker ${number}`);
    await until(async () => await gateway.metric("sluice_shm_entries") > 0, "an export again");
    assert.ok((await Deno.stat(path)).size > 0);
  }
  await gateway.stop();
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});

const JSON_TYPE = { "content-type": "application/json" };

/** The data of each event. */
async function* eventsOf(stream: IncomingMessage): AsyncGenerator<string> {
  let text = "";
  for await (const part of stream.setEncoding("utf8")) {
    const events = (text + part).split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event);
      if (data !== null) yield data[1];
    }
  }
}

/** A figure as the first worker that can answer tells it. */
async function gatewayFigure(gateway: GatewayProcess, name: string): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const answer = await within(3000, ask(new URL("/metrics", gateway.url), "GET"));
    if (answer === undefined) continue; // it landed where nobody reads
    return Number(new RegExp(`^${name} (.*)$`, "m").exec(await textOf(answer))![1]);
  }
  throw new Error("Cannot read metrics: no worker answers");
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
