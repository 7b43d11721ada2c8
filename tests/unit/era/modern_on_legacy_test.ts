import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { HELD_MS } from "../../../lib/era/held_calls.ts";
import { FakeSession } from "../../fixtures/fake_server.ts";
import { ABLE, type Calling, HeldScene, retry } from "../../fixtures/held_scene.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const CALL = '"name":"t","arguments":{"a":1,"b":{"c":2,"d":[{"x":1,"y":2}]}}';
const told = ({ call }: Calling) =>
  call.told.map(({ method, uri }) => `${method} ${uri ?? ""}`.trim());

/** Opens a listen stream and waits for its acknowledgement. */
async function listen(scene: HeldScene, id: string, filter: string): Promise<Calling> {
  const calling = scene.call(modern(id, "subscriptions/listen", `"notifications":${filter}`));
  const begun = Promise.withResolvers<void>();
  const { notify } = calling.call;
  calling.call.notify = (message) => {
    begun.resolve();
    return notify.call(calling.call, message);
  };
  await Promise.race([begun.promise, calling.answer]);
  return calling;
}

Deno.test("discover is made of the handshake", async () => {
  using scene = new HeldScene();
  scene.server.initialized = {
    protocolVersion: "2025-11-25",
    capabilities: { tools: { listChanged: true }, tasks: {}, logging: {} },
    serverInfo: { name: "s" },
    instructions: "do",
  };
  const { answer } = scene.call(modern('"d"', "server/discover"));
  assert.deepEqual((await answer).json(), {
    jsonrpc: "2.0",
    id: "d",
    result: {
      resultType: "complete",
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: { listChanged: true }, logging: {} },
      instructions: "do",
      ttlMs: 0,
      cacheScope: "private",
      _meta: { "io.modelcontextprotocol/serverInfo": { name: "s" } },
    },
  });
});

Deno.test("a request loses the protocol's fields and keeps everything else byte for byte", async () => {
  using scene = new HeldScene();
  const params = '"name":"t","arguments":{"n":9007199254740993,"\\u0061":1.0}';
  const meta = '"_meta":{"x":1e2,"io.modelcontextprotocol/';
  const message = text(modern("9007199254740993", "tools/call", params))!
    .replace('"_meta":{"io.modelcontextprotocol/', meta);
  const { answer } = scene.call(raw(message));
  const got = await scene.server.next();
  assert.equal(
    text(got.message),
    `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{${params},"_meta":{"x":1e2}}}`,
  );
  got.answerRaw(
    raw('{"jsonrpc":"2.0","id":9007199254740993,"result":{"f":1.0,"_meta":{"k":1e2}}}'),
  );
  assert.equal(
    text(await answer),
    '{"jsonrpc":"2.0","id":9007199254740993,"result":{"f":1.0,"_meta":{"k":1e2,' +
      '"io.modelcontextprotocol/serverInfo":{"name":"fake","version":"1"}},"resultType":"complete"}}',
  );
});

Deno.test("a resource that is not there is an invalid parameter in this era", async () => {
  using scene = new HeldScene();
  const { answer } = scene.call(modern("1", "resources/read", '"uri":"test://x"'));
  const got = await scene.server.next();
  got.answerRaw(
    raw('{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no","data":{"uri":1.0}}}'),
  );
  assert.equal(
    text(await answer),
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":{"uri":1.0}}}',
  );
});

Deno.test("each listen stream gets what it asked for, under its own id", async () => {
  using scene = new HeldScene();
  const lists = await listen(scene, "9007199254740993", '{"toolsListChanged":true}');
  assert.equal(
    text(lists.call.told[0]),
    '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":' +
      '{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":9007199254740993}}}',
  );
  const opening = listen(
    scene,
    '"b"',
    '{"promptsListChanged":true,"resourceSubscriptions":["test://a"]}',
  );
  (await scene.server.next()).answer({});
  const both = await opening;
  assert.deepEqual(both.call.told[0].json().params.notifications, {
    resourceSubscriptions: ["test://a"], // the server says nothing of changed prompts
  });
  const tell = (method: string, params?: unknown) =>
    scene.conversation.notify(notification(method, params));
  await tell("notifications/tools/list_changed");
  await tell("notifications/prompts/list_changed");
  await tell("notifications/resources/list_changed");
  await tell("notifications/resources/updated", { uri: "test://a" });
  await tell("notifications/resources/updated", { uri: "test://a/part" });
  await tell("notifications/resources/updated", { uri: "test://b" });
  assert.deepEqual(told(lists).slice(1), ["notifications/tools/list_changed"]);
  assert.deepEqual(told(both).slice(1), [
    "notifications/resources/updated test://a",
    "notifications/resources/updated test://a/part",
  ]);
  assert.equal(new TextDecoder().decode(both.call.told[1].subscriptionId), '"b"');
  both.call.controller.abort();
  assert.equal((await scene.server.next()).message.method, "resources/unsubscribe");
  await both.answer;
  await tell("notifications/resources/updated", { uri: "test://a" });
  assert.equal(told(both).length, 3);
  lists.call.controller.abort();
  await lists.answer;
  assert.equal(scene.conversation.load, 0);
});

Deno.test("a listen stream whose client breaks costs the others nothing", async () => {
  using scene = new HeldScene();
  const broken = await listen(scene, "1", '{"toolsListChanged":true}');
  const well = await listen(scene, "2", '{"toolsListChanged":true}');
  broken.call.notify = () => Promise.reject(new Error("broken by the test"));
  await scene.conversation.notify(notification("notifications/tools/list_changed"));
  assert.equal(told(well).length, 2);
  for (const { call } of [broken, well]) call.controller.abort();
});

Deno.test("a listen request without a filter, or with a wrong one, is refused", async () => {
  using scene = new HeldScene();
  for (
    const filter of [
      "5",
      "[]",
      "null",
      '{"resourceSubscriptions":5}',
      '{"resourceSubscriptions":[5]}',
    ]
  ) {
    const { answer } = scene.call(modern("1", "subscriptions/listen", `"notifications":${filter}`));
    await assert.rejects(answer, { code: -32602 });
  }
  await assert.rejects(scene.call(modern("1", "subscriptions/listen")).answer, { code: -32602 });
  assert.equal(scene.conversation.load, 0);
});

Deno.test("log messages come as loud as the request asked, and only during the one call", async () => {
  using scene = new HeldScene();
  const say = (level: string) =>
    scene.conversation.notify(notification("notifications/message", { level, data: 1 }));
  const quiet = await scene.tool();
  await say("emergency");
  assert.deepEqual(quiet.call.told, []);
  quiet.got.answer({});
  await quiet.answer;
  const calling = scene.call(modern("1", "tools/call", '"name":"t"', { logLevel: "warning" }));
  const set = await scene.server.next();
  assert.deepEqual([set.message.method, set.message.json().params], ["logging/setLevel", {
    level: "warning",
  }]);
  set.answer({});
  const got = await scene.server.next();
  await say("info");
  await say("error");
  assert.deepEqual(calling.call.told.map((message) => message.json().params.level), ["error"]);
  const other = await scene.tool();
  await say("error"); // of whose call?
  assert.equal(calling.call.told.length, 1);
  assert.deepEqual(other.call.told, []);
  got.answer({});
  other.got.answer({});
});

Deno.test("a request state is good for its client and its request only, and not for ever", async () => {
  const clock = FakeTimers.install();
  try {
    using scene = new HeldScene();
    const first = scene.call(modern("1", "tools/call", CALL, ABLE), undefined, "alice");
    await scene.server.next();
    scene.ask(1).catch(() => {});
    await clock.tickAsync(10);
    const { requestState } = await scene.required(first);
    const again = (params: string, method = "tools/call", owner = "alice", state = requestState) =>
      scene.call(
        modern("2", method, `${params},${retry(state)}`, ABLE),
        new FakeSession(true),
        owner,
      )
        .answer;
    const wrong = { code: -32602 };
    await assert.rejects(again(CALL, "tools/call", "bob"), wrong);
    await assert.rejects(again('"name":"t"'), wrong);
    await assert.rejects(again(CALL.replace('"t"', '"u"')), wrong);
    await assert.rejects(again(CALL, "prompts/get"), wrong);
    await assert.rejects(again(CALL, "tools/call", "alice", "made up"), wrong);
    await assert.rejects(again(CALL, "tools/call", "alice", ""), wrong);
    await assert.rejects(again(CALL, "tools/call", "alice", "x".repeat(10_000)), wrong);
    for (let i = 0; i < requestState.length; i += 7) {
      const other = requestState[i] === "A" ? "B" : "A";
      const tampered = requestState.slice(0, i) + other + requestState.slice(i + 1);
      await assert.rejects(again(CALL, "tools/call", "alice", tampered), wrong);
    }
    using elsewhere = new HeldScene();
    const foreign = elsewhere.call(
      modern("2", "tools/call", `${CALL},${retry(requestState)}`, ABLE),
      undefined,
      "alice",
    );
    await assert.rejects(foreign.answer, wrong);
    const respelled = '"arguments":{"b":{"d":[{"y":2,"x":1}],"c":2},"\\u0061":1},"name":"t"';
    const good = again(respelled);
    await clock.tickAsync(10);
    assert.equal((await good).json().result.resultType, "input_required");
    await clock.tickAsync(HELD_MS + 20_000);
    await assert.rejects(again(CALL), wrong);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a request state that is no text is refused, not passed to the server", async () => {
  using scene = new HeldScene();
  for (const state of ["5", "null", "{}", "[]"]) {
    const { answer } = scene.call(
      modern("1", "tools/call", `${CALL},"requestState":${state}`, ABLE),
    );
    await assert.rejects(answer, { code: -32602 });
  }
  assert.equal(scene.server.untaken, 0);
});

Deno.test("an error of the handshake answers whoever caused it", async () => {
  using scene = new HeldScene();
  scene.server.handshake = () =>
    Promise.resolve(raw('{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"no"}}'));
  const { answer } = scene.call(modern('"x"', "tools/list"));
  assert.equal(
    text(await answer),
    '{"jsonrpc":"2.0","id":"x","error":{"code":-32000,"message":"no"}}',
  );
});

Deno.test("disposing the conversation cancels its calls, held ones too", async () => {
  using scene = new HeldScene();
  const held = await scene.tool();
  const asked = scene.ask(1);
  await scene.required(held);
  const open = await scene.tool();
  scene.conversation[Symbol.dispose]();
  await assert.rejects(asked);
  await assert.rejects(open.answer);
  assert.deepEqual(scene.server.waitingCalls(), []);
});
