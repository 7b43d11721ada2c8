import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { GuardedGateway, type Headers } from "../fixtures/guarded_gateway.ts";
import { HostileServer } from "../fixtures/hostile_server.ts";
import { ask, startWorkers, textOf, workerOf } from "../fixtures/workers_scene.ts";

const AUTH = {
  clients: Object.fromEntries(["alice", "bob"].map((key) => {
    const digest = createHash("sha256").update(key).digest("hex");
    return [key, { keys: { only: `sha256:${digest}` } }];
  })),
};
const ALICE = { "x-api-key": "alice" }, BOB = { "x-api-key": "bob" };
const FOREIGN = 'sluice_security_events_total{type="foreign_session"}';

/** A server that keeps tasks, and gives any of them to whoever asks. */
async function startTasks() {
  const tasks: string[] = [];
  const asked: string[] = [];
  const task = (taskId: unknown) => ({ taskId, status: "working", secret: `of ${taskId}` });
  const server = await HostileServer.start({
    result(method, { protocolVersion, taskId, task: wanted }) {
      if (method.startsWith("tasks/")) asked.push(method);
      if (method === "initialize") {
        return {
          protocolVersion,
          capabilities: { tools: {}, tasks: { list: {}, cancel: {} } },
          serverInfo: { name: "tasks", version: "1" },
        };
      }
      if (method === "tasks/list") return { tasks: tasks.map(task) };
      if (method.startsWith("tasks/")) return task(taskId);
      if (wanted === undefined) return undefined;
      tasks.push(`task-${tasks.length}`);
      return { task: task(tasks.at(-1)) };
    },
  });
  return { server, asked };
}

async function begin(gateway: GuardedGateway, session: Headers): Promise<string> {
  const params = { name: "slow", arguments: {}, task: { ttl: 60_000 } };
  const { body } = await gateway.ask("tools/call", params, session);
  return body.result.task.taskId;
}

for (const sharing of ["shared", "perSession"]) {
  Deno.test(`tasks belong to who has begun them, on a server that is ${sharing}`, async () => {
    const { server, asked } = await startTasks();
    await using _server = server;
    await using gateway = await GuardedGateway.start({
      auth: AUTH,
      upstreams: { tasks: { url: server.url, sharing } },
    });
    const [alice, bob] = [await gateway.session(ALICE), await gateway.session(BOB)];
    const [hers, his] = [await begin(gateway, alice), await begin(gateway, bob)];
    for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
      asked.length = 0;
      const foreign = await gateway.ask(method, { taskId: hers }, bob);
      const random = await gateway.ask(method, { taskId: "never-was" }, bob);
      assert.deepEqual([foreign.status, foreign.text], [random.status, random.text]);
      assert.equal(foreign.body.error.code, -32602);
      assert.deepEqual(asked, [], "the server is not even asked");
      const own = await gateway.ask(method, { taskId: hers }, alice);
      assert.equal(own.body.result.secret, `of ${hers}`);
    }
    const listed = async (session: Headers) =>
      (await gateway.ask("tasks/list", {}, session)).body.result.tasks
        .map(({ taskId }: { taskId: string }) => taskId);
    assert.deepEqual(await listed(alice), [hers]);
    assert.deepEqual(await listed(bob), [his]);
    assert.equal(await gateway.metric(FOREIGN), 3);
    const later = await gateway.session(ALICE);
    const again = await gateway.ask("tasks/get", { taskId: hers }, later);
    assert.equal(again.body.result.secret, `of ${hers}`, "also in another session");
  });
}

const HELLO = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "t", version: "1" },
};

Deno.test({
  name: "tasks belong to who has begun them, whichever worker he reaches",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { server } = await startTasks();
    await using _server = server;
    const folder = await Deno.makeTempDir();
    const config = join(folder, "sluice.json");
    const upstreams = { tasks: { url: server.url, sharing: "shared" } };
    await Deno.writeTextFile(config, JSON.stringify({ sluice: { auth: AUTH, upstreams } }));
    {
      await using gateway = await startWorkers(2, { args: ["--config", config] });
      const post = async (headers: Headers, method: string, params: unknown) => {
        const all = {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
        const answer = await ask(gateway.url, "POST", all, body);
        const text = await textOf(answer);
        const json = JSON.parse(/^data: ({.*)$/m.exec(text)?.[1] ?? text);
        return { id: String(answer.headers["mcp-session-id"]), json };
      };
      /** A session of somebody at a worker. */
      const at = async (who: Headers, worker: number): Promise<Headers> => {
        for (let i = 0; i < 100; i++) {
          const { id } = await post(who, "initialize", HELLO);
          if (workerOf(id) === worker) return { ...who, "mcp-session-id": id };
        }
        throw new Error(`Cannot reach worker ${worker}`);
      };
      const params = { name: "slow", arguments: {}, task: {} };
      const { json } = await post(await at(ALICE, 1), "tools/call", params);
      const { taskId } = json.result.task;
      for (const worker of [1, 2]) {
        const own = await post(await at(ALICE, worker), "tasks/get", { taskId });
        assert.equal(own.json.result?.secret, `of ${taskId}`, `alice at ${worker}`);
        const foreign = await post(await at(BOB, worker), "tasks/get", { taskId });
        assert.equal(foreign.json.error?.code, -32602, `bob at ${worker}`);
      }
    }
    await Deno.remove(folder, { recursive: true });
  },
});
