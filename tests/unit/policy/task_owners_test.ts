import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call, Session } from "../../../lib/core/handler.ts";
import type { Identity } from "../../../lib/core/identity.ts";
import { Message } from "../../../lib/core/message.ts";
import type { SecurityEvent } from "../../../lib/core/security_event.ts";
import { TaskOwners, type TaskOwnersOptions } from "../../../lib/policy/task_owners.ts";
import { modern } from "../../fixtures/modern_messages.ts";
import { callOf } from "./calls.ts";

/** Who asks: a principal (none for `""`), and a session. */
type Who = readonly [principal: string, sessionId: string];

const ALICE: Who = ["key:alice", "a"], BOB: Who = ["key:bob", "b"];
const NOBODY: Who = ["", "n"], NOBODY_ELSE: Who = ["", "m"];

/** A server that keeps tasks for all who ask, as one that knows only the gateway does. */
class Scene {
  readonly reports: SecurityEvent[] = [];
  readonly reached: string[] = [];
  readonly #tasks: string[] = [];
  readonly owners: TaskOwners;

  constructor(options: Partial<TaskOwnersOptions> = {}) {
    const report = (event: SecurityEvent) => void this.reports.push(event);
    this.owners = new TaskOwners({ upstream: "u", isShared: true, report, ...options });
  }

  async ask(who: Who, method: string, params: unknown = {}): Promise<Message | GatewayError> {
    return await this.say(who, callOf(method, params).message);
  }

  async say([principal, sessionId]: Who, message: Message): Promise<Message | GatewayError> {
    const plain = callOf("ping");
    const identity: Identity | undefined = principal === ""
      ? undefined
      : { proof: "api_key", principal, name: "", scopes: new Set(), roles: new Set() };
    const call: Call = {
      ...plain,
      message,
      request: { ...plain.request, identity },
      session: { id: sessionId } as Session,
    };
    try {
      return (await this.owners.policy((call) => this.#serve(call))(call))!;
    } catch (error) {
      assert.ok(error instanceof GatewayError, `${error}`);
      return error;
    }
  }

  /** Begins a task. @returns its id */
  async begin(who: Who): Promise<string> {
    await this.ask(who, "initialize");
    await this.ask(who, "tools/call", { name: "slow", task: {} });
    return this.#tasks.at(-1)!;
  }

  #serve({ message }: Call): Promise<Message> {
    const id = message.id!, { method, protocolVersion } = message;
    this.reached.push(method!);
    if (method === "initialize") {
      return Promise.resolve(result(id, { capabilities: { tasks: { list: {} } } }));
    }
    if (method === "tasks/list") {
      return Promise.resolve(result(id, { tasks: this.#tasks.map((taskId) => ({ taskId })) }));
    }
    if (method !== "tools/call") return Promise.resolve(result(id, {}));
    const taskId = `task-${this.#tasks.length}`;
    this.#tasks.push(taskId);
    return Promise.resolve(
      protocolVersion === undefined
        ? result(id, { task: { taskId, status: "working" } })
        : messageOf({ resultType: "task", taskId, status: "working" }, message),
    );
  }
}

/** As it comes from a server, with its envelope found. */
function messageOf(value: unknown, { id }: Message): Message {
  return Message.from(result(id!, value).bytes);
}

async function listed(scene: Scene, who: Who): Promise<string[]> {
  const answer = await scene.ask(who, "tasks/list") as Message;
  return answer.json().result.tasks.map(({ taskId }: { taskId: string }) => taskId);
}

const BY_ID = ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"] as const;

Deno.test("TaskOwners refuses the task of another as one that never was, and reports it", async () => {
  const scene = new Scene();
  const taskId = await scene.begin(ALICE);
  for (const method of BY_ID) {
    scene.reached.length = 0;
    const foreign = await scene.ask(BOB, method, { taskId }) as GatewayError;
    const random = await scene.ask(BOB, method, { taskId: "task-99" }) as GatewayError;
    const { message, code, status } = random;
    assert.deepEqual([foreign.message, foreign.code, foreign.status], [message, code, status]);
    assert.deepEqual([code, status], [-32602, 200]);
    assert.deepEqual(scene.reached, [], "the server sees neither");
    const own = await scene.ask(ALICE, method, { taskId }) as Message;
    assert.deepEqual(own.json().result, {});
  }
  assert.equal(scene.reports.length, BY_ID.length, "ids that never were are no attack");
  assert.deepEqual(scene.reports[0], {
    type: "foreign_session",
    address: "test",
    principal: "key:bob",
    upstream: "u",
    detail: "a task of another client",
  });
});

Deno.test("TaskOwners knows the owner in whatever session he comes back", async () => {
  const scene = new Scene();
  const taskId = await scene.begin(ALICE);
  const again = await scene.ask([ALICE[0], "later"], "tasks/get", { taskId }) as Message;
  assert.deepEqual(again.json().result, {});
});

Deno.test("TaskOwners shows each client its own tasks only", async () => {
  const scene = new Scene();
  const of = new Map<Who, string>();
  for (const who of [ALICE, BOB, NOBODY, NOBODY_ELSE]) of.set(who, await scene.begin(who));
  for (const [who, taskId] of of) assert.deepEqual(await listed(scene, who), [taskId]);
  assert.deepEqual(await listed(scene, ["", ""]), [], "who keeps no session has begun none");
});

Deno.test("TaskOwners leaves clients that prove nothing alone at a server of their own", async () => {
  const scene = new Scene({ isShared: false });
  const [first, second] = [await scene.begin(NOBODY), await scene.begin(NOBODY_ELSE)];
  assert.deepEqual(await listed(scene, NOBODY), [first, second]);
  assert.deepEqual(await listed(scene, ALICE), []);
});

Deno.test("TaskOwners keeps the tasks of who has proved something from who has not", async () => {
  const scene = new Scene();
  const taskId = await scene.begin(ALICE);
  assert.ok(await scene.ask(NOBODY, "tasks/get", { taskId }) instanceof GatewayError);
  const theirs = await scene.begin(NOBODY);
  assert.ok(await scene.ask(ALICE, "tasks/get", { taskId: theirs }) instanceof GatewayError);
  const unknown = await scene.ask(NOBODY, "tasks/get", { taskId: "older" }) as Message;
  assert.deepEqual(unknown.json().result, {}, "who proves nothing has nothing but the id");
});

Deno.test("TaskOwners learns tasks of the sessionless era, and judges who listens to them", async () => {
  const scene = new Scene();
  await scene.say(ALICE, modern("1", "tools/call", '"name":"slow"'));
  const listen = (ids: unknown) =>
    modern("2", "subscriptions/listen", `"notifications":{"taskIds":${JSON.stringify(ids)}}`);
  assert.ok(!(await scene.say(ALICE, listen(["task-0"])) instanceof GatewayError));
  const tooMany = Array.from({ length: 1001 }, () => "task-0");
  for (const ids of [["task-0"], ["x", "task-0"], "task-0", [7], tooMany]) {
    assert.ok(await scene.say(BOB, listen(ids)) instanceof GatewayError, `${ids}`.slice(0, 20));
  }
  const lists = modern("3", "subscriptions/listen", '"notifications":{"toolsListChanged":true}');
  assert.ok(!(await scene.say(BOB, lists) instanceof GatewayError));
});

Deno.test("TaskOwners refuses ids that are none", async () => {
  const scene = new Scene();
  for (const params of [{}, { taskId: null }, { taskId: 1 }, { taskId: ["x"] }]) {
    assert.ok(await scene.ask(NOBODY, "tasks/get", params) instanceof GatewayError);
  }
});

Deno.test("TaskOwners asks elsewhere for tasks that it does not know", async () => {
  const asked: string[] = [];
  const scene = new Scene({
    elsewhere: (taskId) => {
      asked.push(taskId);
      const owner = { principal: ALICE[0], sessionId: "" };
      return Promise.resolve(taskId === "there" ? owner : undefined);
    },
  });
  assert.ok(!(await scene.ask(ALICE, "tasks/get", { taskId: "there" }) instanceof GatewayError));
  assert.ok(await scene.ask(BOB, "tasks/get", { taskId: "there" }) instanceof GatewayError);
  assert.ok(await scene.ask(NOBODY, "tasks/get", { taskId: "there" }) instanceof GatewayError);
  assert.deepEqual(asked, ["there", "there", "there"]);
});

Deno.test("TaskOwners remembers a bounded number of tasks; one that is forgotten is nobody's", async () => {
  const scene = new Scene({ tasksMax: 2 });
  const ids = [await scene.begin(ALICE), await scene.begin(ALICE), await scene.begin(ALICE)];
  assert.deepEqual(ids.map((id) => scene.owners.ownerOf(id)?.principal), [
    undefined,
    "key:alice",
    "key:alice",
  ]);
  assert.ok(await scene.ask(ALICE, "tasks/get", { taskId: ids[0] }) instanceof GatewayError);
});
