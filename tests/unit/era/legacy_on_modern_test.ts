import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import type { Message } from "../../../lib/core/message.ts";
import { RawObject } from "../../../lib/core/raw_object.ts";
import { LegacyOnModern } from "../../../lib/era/legacy_on_modern.ts";
import { FakeCall, FakeServer, FakeSession } from "../../fixtures/fake_server.ts";
import { raw, text } from "../../fixtures/modern_messages.ts";

const DISCOVERED = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: { listChanged: true }, logging: {} },
  instructions: "do",
  _meta: { "io.modelcontextprotocol/serverInfo": { name: "m", version: "2" } },
};
const INIT = '{"jsonrpc":"2.0","id":9007199254740993,"method":"initialize","params":' +
  '{"protocolVersion":"2025-06-18","capabilities":{"roots":{"n":1.0}},"clientInfo":{"name":"é"}}}';
const META = '"io.modelcontextprotocol/protocolVersion":"2026-07-28",' +
  '"io.modelcontextprotocol/clientCapabilities":{"roots":{"n":1.0}},' +
  '"io.modelcontextprotocol/clientInfo":{"name":"é"}';

/** A client that has made its handshake. */
async function scene() {
  const server = new FakeServer(), session = new FakeSession();
  const conversation = new LegacyOnModern(server, session);
  const call = (message: Message) => {
    const made = new FakeCall(message, session);
    const answer = (async () => (await conversation.handle(made))!)();
    answer.catch(() => {}); // looked at by the test
    return { call: made, answer };
  };
  const initialized = call(raw(INIT)).answer;
  const probe = await server.next();
  probe.answer(DISCOVERED);
  const answer = await initialized;
  return { server, session, conversation, call, probe, initialized: answer };
}

const TOOL =
  '{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"arguments":{"n":9007199254740993,"f":1.0,"\\u0061":"\\u00e9"},"name":"t","_meta":{"x":1e2}}}';
const required = (inputRequests: unknown, requestState?: string) => ({
  resultType: "input_required",
  inputRequests,
  requestState,
});

Deno.test("initialize is answered from discover, in the client's version, under its id", async () => {
  const { probe, initialized } = await scene();
  assert.equal(probe.message.method, "server/discover");
  assert.match(text(probe.message)!, /clientCapabilities":\{"roots":\{"n":1.0\}\}/);
  assert.match(text(initialized)!, /"id":9007199254740993,/);
  assert.deepEqual(initialized.json().result, {
    protocolVersion: "2025-06-18",
    capabilities: DISCOVERED.capabilities,
    serverInfo: { name: "m", version: "2" },
    instructions: "do",
  });
});

Deno.test("a request gets the protocol's fields and keeps everything else byte for byte", async () => {
  const { server, call } = await scene();
  const { answer } = call(raw(TOOL));
  const got = await server.next();
  assert.equal(text(got.message), TOOL.replace('"_meta":{"x":1e2}', `"_meta":{"x":1e2,${META}}`));
  const bytes = '{"jsonrpc":"2.0","id":1.0,"result":{"resultType":"complete","y":1.0}}';
  got.answerRaw(raw(bytes));
  assert.equal(text(await answer), bytes);
});

Deno.test("ping and setLevel are answered here; the level goes with every request", async () => {
  const { server, call } = await scene();
  assert.deepEqual((await call(request(1, "ping")).answer).json().result, {});
  const set = call(request(2, "logging/setLevel", { level: "warning" }));
  assert.deepEqual((await set.answer).json().result, {});
  call(request(3, "tools/list"));
  assert.deepEqual((await server.next()).message.json().params._meta, {
    ...JSON.parse(`{${META}}`),
    "io.modelcontextprotocol/logLevel": "warning",
  });
  const wrong = call(request(4, "logging/setLevel", { level: "loud" }));
  await assert.rejects(wrong.answer, { code: -32602 });
});

Deno.test("input that is required is asked of the client, and the request sent again with the raw answers", async () => {
  const { server, session, call } = await scene();
  session.onAsk = (message) =>
    Promise.resolve(
      message.method === "roots/list"
        ? raw('{"jsonrpc":"2.0","id":1,"result":{"roots":[ ],"n":1.0}}')
        : raw('{"jsonrpc":"2.0","id":1,"result":{"action":"\\u0061ccept"}}'),
    );
  const { call: made, answer } = call(raw(TOOL));
  const first = await server.next();
  first.answer(required({
    r: { method: "roots/list" },
    e: { method: "elicitation/create", params: { message: "?" } },
  }, "s1"));
  const second = await server.next();
  assert.deepEqual(made.asked.map(({ method }) => method), ["roots/list", "elicitation/create"]);
  const params = new RawObject(second.message.bytes).object("params");
  const decoded = (key: string) => new TextDecoder().decode(params.get(key));
  assert.equal(
    decoded("inputResponses"),
    '{"r":{"roots":[ ],"n":1.0},"e":{"action":"\\u0061ccept"}}',
  );
  assert.equal(decoded("requestState"), '"s1"');
  assert.equal(decoded("arguments"), '{"n":9007199254740993,"f":1.0,"\\u0061":"\\u00e9"}');
  second.answer(required({ again: { method: "roots/list" } }));
  const third = await server.next();
  assert.deepEqual(Object.keys(third.message.json().params.inputResponses), ["again"]);
  assert.equal(third.message.json().params.requestState, undefined);
  third.answer({ resultType: "complete", content: [] });
  assert.deepEqual((await answer).json().result.content, []);
});

Deno.test("a client that refuses one question fails the call, and the others are taken back", async () => {
  const { server, session, call } = await scene();
  session.onAsk = (message) =>
    message.method === "roots/list"
      ? Promise.resolve(raw('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"I will not"}}'))
      : new Promise(() => {});
  const { call: made, answer } = call(raw(TOOL));
  (await server.next()).answer(required({
    e: { method: "elicitation/create", params: {} },
    r: { method: "roots/list" },
  }));
  await assert.rejects(answer, { code: -32603, message: /I will not/ });
  const open = made.asked.find(({ method }) => method === "elicitation/create")!;
  assert.deepEqual(session.cancelledAsks.map(({ requestId }) => requestId), [open.id]);
});

Deno.test("a call that is cancelled while its client is asked takes the questions back", async () => {
  const { server, session, call } = await scene();
  const asked = Promise.withResolvers<void>();
  session.onAsk = () => new Promise(() => asked.resolve());
  const { call: made } = call(raw(TOOL));
  (await server.next()).answer(required({ e: { method: "elicitation/create", params: {} } }));
  await asked.promise;
  made.controller.abort();
  assert.deepEqual(session.cancelledAsks.map(({ requestId }) => requestId), [made.asked[0].id]);
  assert.equal(server.untaken, 0);
});

Deno.test("questions of different calls have different ids", async () => {
  const { server, session, call } = await scene();
  const signals = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const asking = signals.map(({ promise }) => promise);
  session.onAsk = () => new Promise(() => signals.pop()!.resolve());
  const calls = [call(raw(TOOL)), call(raw(TOOL.replace("1.0,", "2,")))];
  for (let i = 0; i < 2; i++) {
    (await server.next()).answer(required({ e: { method: "roots/list" } }));
  }
  await Promise.all(asking);
  const [a, b] = calls.map(({ call }) => new TextDecoder().decode(call.asked[0].id));
  assert.notEqual(a, b);
  session.controller.abort();
});

Deno.test("a server that asks nonsense, or without end, fails the call", async () => {
  const { server, session, call } = await scene();
  for (const nonsense of [{ e: 5 }, { e: {} }, { e: { method: 5 } }]) {
    const { answer, call: made } = call(raw(TOOL));
    (await server.next()).answer(required(nonsense));
    await assert.rejects(answer, { code: -31006 });
    assert.deepEqual(made.asked, []);
  }
  session.onAsk = (message) => Promise.resolve(result(message.id!, {}));
  const { answer } = call(raw(TOOL));
  for (let round = 0; round < 32; round++) {
    (await server.next()).answer(required({ e: { method: "roots/list" } }));
  }
  await assert.rejects(answer, { code: -31006 });
  assert.equal(server.untaken, 0);
});

Deno.test("notifications of the client that have no place are dropped, cancellations are not", async () => {
  const { server, conversation, session } = await scene();
  const tell = (message: Message) => conversation.handle(new FakeCall(message, session));
  await tell(notification("notifications/roots/list_changed"));
  await tell(notification("notifications/progress", { progressToken: 1, progress: 1 }));
  await tell(notification("notifications/cancelled", { requestId: 5 }));
  assert.deepEqual(server.sent, []);
  assert.equal(server.cancelled.length, 1);
  conversation[Symbol.dispose]();
});

Deno.test("subscribe and unsubscribe go through one listen stream", async () => {
  const { server, call, conversation } = await scene();
  const subscribed = call(request(1, "resources/subscribe", { uri: "test://a" }));
  const listen = await server.next();
  assert.deepEqual(listen.message.json().params.notifications, {
    toolsListChanged: true,
    resourceSubscriptions: ["test://a"],
  });
  await listen.call!.notify(
    notification("notifications/subscriptions/acknowledged", {
      notifications: { resourceSubscriptions: ["test://a"] },
    }),
  );
  assert.deepEqual((await subscribed.answer).json().result, {});
  conversation[Symbol.dispose]();
  assert.deepEqual(server.waitingCalls(), []);
});

Deno.test("an error of discover is the answer to initialize", async () => {
  const server = new FakeServer(), session = new FakeSession();
  const conversation = new LegacyOnModern(server, session);
  const answer = conversation.handle(new FakeCall(raw(INIT), session));
  const probe = await server.next();
  probe.answerRaw(
    raw('{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"no","data":1.0}}'),
  );
  assert.equal(
    text(await answer),
    '{"jsonrpc":"2.0","id":9007199254740993,"error":{"code":-32022,"message":"no","data":1.0}}',
  );
});
