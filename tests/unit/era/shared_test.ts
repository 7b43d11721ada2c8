import assert from "node:assert/strict";
import { failure, notification, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import type { SharedConversation } from "../../../lib/core/upstream.ts";
import { EraConversations } from "../../../lib/era/conversations.ts";
import { FakeCall, FakeServer, FakeSession, type Got } from "../../fixtures/fake_server.ts";
import { ABLE } from "../../fixtures/held_scene.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const DISCOVERED = { supportedVersions: ["2026-07-28"], capabilities: {} };
const LIST_CHANGED = notification("notifications/tools/list_changed");

/** Clients of both eras on one server. */
class Scene implements Disposable {
  readonly server = new FakeServer();
  readonly conversations = new EraConversations();
  readonly shared: SharedConversation = this.conversations.ofAll(this.server);

  /** Decides the era of the server. */
  async decide(era: "legacy" | "modern"): Promise<void> {
    const prepared = this.shared.prepare();
    const probe = await this.server.next();
    if (era === "modern") probe.answer(DISCOVERED);
    else probe.answerRaw(failure(probe.message.id, new GatewayError("MethodNotFound", "no")));
    await prepared;
  }

  say(session: FakeSession, message: Message) {
    const call = new FakeCall(message, session);
    const answer = (async () => await this.shared.handle(call))();
    answer.catch(() => {}); // looked at by the test
    return { call, answer };
  }

  async legacy(): Promise<FakeSession> {
    const session = new FakeSession();
    const { answer } = this.say(
      session,
      request(0, "initialize", { protocolVersion: "2025-06-18", capabilities: {} }),
    );
    const version = (await answer)!.json().result.protocolVersion;
    assert.equal(session.protocolVersion = version, "2025-06-18");
    return session;
  }

  /** A tool call, once the server has it. */
  async tool(session: FakeSession, message = request(1, "tools/call", { name: "t" })) {
    const said = this.say(session, message);
    return { ...said, got: await this.server.next() };
  }

  async subscribed(session: FakeSession, uri: string): Promise<void> {
    const { answer } = this.say(session, request(5, "resources/subscribe", { uri }));
    if (this.server.untaken > 0) (await this.server.next()).answer({});
    else await Promise.race([answer, this.server.next().then((got) => got.answer({}))]);
    await answer;
  }

  [Symbol.dispose](): void {
    this.shared[Symbol.dispose]();
    this.conversations[Symbol.dispose]();
  }
}

const methods = ({ told }: FakeSession) => told.map(({ method }) => method);
const modernTool = (id: string, self = ABLE) => modern(id, "tools/call", '"name":"t"', self);

Deno.test("list changes go to every client with a handshake, updates to those who subscribed", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const [a, b] = [await scene.legacy(), await scene.legacy()];
  await scene.subscribed(a, "test://dir");
  await scene.shared.notify(LIST_CHANGED);
  await scene.shared.notify(
    notification("notifications/resources/updated", { uri: "test://dir/x" }),
  );
  await scene.shared.notify(notification("notifications/resources/updated", { uri: "test://y" }));
  assert.deepEqual(methods(a), [LIST_CHANGED.method, "notifications/resources/updated"]);
  assert.deepEqual(methods(b), [LIST_CHANGED.method]);
  scene.shared.leave(a);
  assert.equal((await scene.server.next()).message.method, "resources/unsubscribe");
  await scene.shared.notify(LIST_CHANGED);
  assert.equal(a.told.length, 2);
  assert.equal(b.told.length, 2);
});

Deno.test("a sessionless client that cancels or tells something is not taken for one with a handshake", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const session = new FakeSession();
  const { answer, got } = await scene.tool(session, modernTool("1"));
  await scene.say(session, notification("notifications/cancelled", { requestId: 9 })).answer;
  await scene.shared.notify(LIST_CHANGED);
  assert.deepEqual(session.told, []);
  got.answer({});
  await answer;
});

Deno.test("a question reaches the client whose call is the only one", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const [a, b] = [await scene.legacy(), await scene.legacy()];
  b.onAsk = (message) => Promise.resolve(result(message.id!, { roots: [] }));
  await scene.tool(b);
  assert.deepEqual((await scene.shared.ask(request("q", "roots/list"))).json().result, {
    roots: [],
  });
  await scene.tool(b);
  assert.ok(!(await scene.shared.ask(request("q", "roots/list"))).isError); // both are of one client
  await scene.tool(a);
  assert.throws(() => scene.shared.ask(request("q", "roots/list")), { code: -32601 });
});

Deno.test("a question during two calls of one sessionless client is refused: a request would reach nobody", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const session = new FakeSession();
  const asked: Message[] = [];
  session.onAsk = (message) => {
    asked.push(message);
    return new Promise(() => {});
  };
  const calls = [
    await scene.tool(session, modernTool("1")),
    await scene.tool(session, modernTool("2")),
  ];
  assert.throws(() => scene.shared.ask(request("q", "roots/list")), { code: -32601 });
  assert.deepEqual(asked, []);
  for (const { got } of calls) got.answer({});
});

Deno.test("a question of a shared server becomes required input for a sessionless client", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const { answer, got } = await scene.tool(new FakeSession(true), modernTool("1"));
  const asked = scene.shared.ask(request("q", "roots/list"));
  asked.catch(() => {});
  assert.equal((await answer)!.json().result.resultType, "input_required");
  scene.shared.cancelAsk(notification("notifications/cancelled", { requestId: "q" }));
  await assert.rejects(asked);
  got.answer({});
});

const say = (level: string) => notification("notifications/message", { level, data: 1 });

Deno.test("log levels are merged to the loudest, and each client hears what it asked for", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const [a, b] = [await scene.legacy(), await scene.legacy()];
  const set = async (session: FakeSession, level: string) => {
    const { answer } = scene.say(session, request(7, "logging/setLevel", { level }));
    return await answer;
  };
  const first = set(a, "error");
  let got = await scene.server.next();
  assert.equal(got.message.json().params.level, "error");
  got.answer({});
  await first;
  const second = set(b, "info");
  got = await scene.server.next();
  assert.equal(got.message.json().params.level, "info");
  got.answer({});
  await second;
  await set(a, "warning");
  assert.equal(scene.server.untaken, 0);
  await assert.rejects(set(a, "loud"), { code: -32602 });
  for (const level of ["debug", "info", "warning"]) await scene.shared.notify(say(level));
  const heard = ({ told }: FakeSession) => told.map((message) => message.json().params.level);
  assert.deepEqual(heard(a), ["warning"]);
  assert.deepEqual(heard(b), ["info", "warning"]);
});

Deno.test("a log line during the call of one client reaches no other, of whatever era", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const [a, b] = [await scene.legacy(), await scene.legacy()];
  const mine = await scene.tool(a);
  await scene.shared.notify(say("error"));
  assert.deepEqual([a.told.length, b.told.length], [1, 0]);
  const calling = scene.say(new FakeSession(true), modernTool("1", { ...ABLE, logLevel: "debug" }));
  (await scene.server.next()).answer({}); // the level
  const theirs = await scene.server.next();
  await scene.shared.notify(say("error")); // of one of the two
  assert.deepEqual([a.told.length, calling.call.told.length], [1, 0]);
  mine.got.answer({});
  await mine.answer;
  await scene.shared.notify(say("error"));
  assert.deepEqual([a.told.length, calling.call.told.length], [1, 1]);
  theirs.answer({});
  await calling.answer;
});

Deno.test("on a sessionless server a log line reaches the only call that wants any, of whatever era", async () => {
  using scene = new Scene();
  await scene.decide("modern");
  const a = new FakeSession();
  const initialized = scene.say(a, request(0, "initialize", { capabilities: {} }));
  (await scene.server.next()).answer(DISCOVERED);
  await initialized.answer;
  await scene.say(a, request(1, "logging/setLevel", { level: "info" })).answer;
  const mine = await scene.tool(a, request(2, "tools/call", { name: "t" }));
  await scene.shared.notify(say("error"));
  assert.equal(mine.call.told.length, 1);
  const theirs = await scene.tool(new FakeSession(true), modernTool("1", { logLevel: "info" }));
  await scene.shared.notify(say("error")); // of one of the two
  assert.deepEqual([mine.call.told.length, theirs.call.told.length], [1, 0]);
  mine.got.answer({});
  await mine.answer;
  await scene.shared.notify(say("error"));
  assert.deepEqual([mine.call.told.length, theirs.call.told.length], [1, 1]);
  theirs.got.answer({});
});

Deno.test("a client that leaves while the server is being found out leaves nothing behind", async () => {
  using scene = new Scene();
  const session = new FakeSession();
  const { answer } = scene.say(session, request(0, "initialize", { capabilities: {} }));
  const probe = await scene.server.next();
  session.controller.abort(new GatewayError("InternalError", "gone"));
  scene.shared.leave(session);
  probe.answer(DISCOVERED);
  await assert.rejects(answer, { message: "gone" });
  assert.equal(scene.server.untaken, 0);
});

Deno.test("a server that could not be reached is tried again", async () => {
  using scene = new Scene();
  const failed = scene.shared.prepare();
  (await scene.server.next()).fail(
    new GatewayError("UpstreamUnavailable", "down", { data: { outcome: "not_sent" } }),
  );
  await assert.rejects(failed, { code: -31001 });
  await scene.decide("legacy");
  await scene.legacy();
});

Deno.test("initialize is answered from the gateway's own handshake, byte for byte but for the version", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  scene.server.handshake = () =>
    Promise.resolve(
      raw(
        '{"jsonrpc":"2.0","id":0,"result":{"x":9007199254740993,"protocolVersion":"2025-11-25","capabilities":{"f":1.0}}}',
      ),
    );
  const ask = raw(
    '{"jsonrpc":"2.0","id":1.0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}',
  );
  assert.equal(
    text((await scene.say(new FakeSession(), ask).answer)!),
    '{"jsonrpc":"2.0","id":1.0,"result":{"x":9007199254740993,"protocolVersion":"2025-06-18","capabilities":{"f":1.0}}}',
  );
});

Deno.test("cancellations of a client name its request, and change nothing for others", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const a = await scene.legacy();
  const got: Got = (await scene.tool(a)).got;
  await scene.say(a, notification("notifications/cancelled", { requestId: 1 })).answer;
  await scene.say(a, notification("notifications/roots/list_changed")).answer;
  await scene.say(a, notification("notifications/progress", { progressToken: 1, progress: 1 }))
    .answer;
  assert.deepEqual(scene.server.cancelled.map((message) => message.json().params.requestId), [1]);
  assert.deepEqual(scene.server.sent.map(({ method }) => method), ["notifications/progress"]);
  got.answer({});
});

Deno.test("news of a task reach the client that has begun it, and nobody else", async () => {
  using scene = new Scene();
  await scene.decide("legacy");
  const [owner, other] = [await scene.legacy(), await scene.legacy()];
  const { got, answer } = await scene.tool(owner);
  got.answer({ task: { taskId: "t1", status: "working" } });
  await answer;
  const news = (taskId: string) => notification("notifications/tasks/status", { taskId });
  await scene.shared.notify(news("t1"));
  await scene.shared.notify(news("t2"));
  assert.deepEqual(owner.told.map(text), [text(news("t1"))]);
  assert.deepEqual(other.told, []);
  await scene.say(other, news("t1")).answer;
  assert.deepEqual(scene.server.sent, [], "and no client speaks for a task");
});
