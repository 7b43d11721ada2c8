import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure, notification } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { HELD_MS } from "../../../lib/era/held_calls.ts";
import { ABLE, HeldScene, retry } from "../../fixtures/held_scene.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const CALL = '"name":"t"';

Deno.test("a held call brings a question to the client and the answer back, byte for byte", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const asked = scene.ask("q");
  const { keys, inputRequests, requestState } = await scene.required(first);
  assert.deepEqual(inputRequests, {
    [keys[0]]: { method: "elicitation/create", params: { message: "?" } },
  });
  const odd = '{"action":"accept","content":{"n":9007199254740993,"f":1.0,"é":"\\u00e9"}}';
  const second = scene.call(
    modern('"two"', "tools/call", `${CALL},${retry(requestState, { [keys[0]]: odd })}`, ABLE),
  );
  assert.equal(text(await asked), `{"jsonrpc":"2.0","id":"q","result":${odd}}`);
  first.got.answerRaw(raw('{"jsonrpc":"2.0","id":1,"result":{"x":1.0,"content":[]}}'));
  assert.match(text(await second.answer)!, /^\{"jsonrpc":"2.0","id":"two","result":\{"x":1.0,/);
});

Deno.test("an answer of a client with line breaks stays one line towards the server", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const asked = scene.ask(7);
  const { keys, requestState } = await scene.required(first);
  const evil = '{\n"action":"accept",\r\n"content":\n{"jsonrpc":"2.0","method":"injected"}\n}';
  scene.call(
    modern("2", "tools/call", `${CALL},${retry(requestState, { [keys[0]]: evil })}`, ABLE),
  );
  const line = new TextDecoder().decode((await asked).lineBytes());
  assert.equal(line.trimEnd().split(/[\r\n]/).length, 1);
});

Deno.test("a question of a server with line breaks stays one line towards the client", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  scene.conversation.ask(
    raw('{"jsonrpc":"2.0","id":1,"method":"roots/list","params":{"x":\n{"a":\r\n1}}}'),
  ).catch(() => {});
  const line = new TextDecoder().decode((await first.answer).lineBytes());
  assert.equal(line.trimEnd().split(/[\r\n]/).length, 1);
});

Deno.test("parallel questions go to the client together, later ones in another round", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const a = scene.ask(1), b = scene.ask(2, "roots/list", {});
  const round = await scene.required(first);
  assert.equal(round.keys.length, 2);
  const answers = { [round.keys[0]]: '{"action":"decline"}', [round.keys[1]]: '{"roots":[]}' };
  const second = scene.call(
    modern("2", "tools/call", `${CALL},${retry(round.requestState, answers)}`, ABLE),
  );
  assert.deepEqual((await a).json(), { jsonrpc: "2.0", id: 1, result: { action: "decline" } });
  assert.deepEqual((await b).json().result, { roots: [] });
  const c = scene.ask(3, "sampling/createMessage", { messages: [] });
  const next = await scene.required(second);
  assert.equal(next.keys.length, 1);
  assert.ok(!round.keys.includes(next.keys[0]));
  const third = scene.call(
    modern(
      "3",
      "tools/call",
      `${CALL},${retry(next.requestState, { [next.keys[0]]: "{}" })}`,
      ABLE,
    ),
  );
  await c;
  first.got.answer({ content: [] });
  assert.equal((await third.answer).json().id, 3);
  assert.equal(scene.idle, 1);
});

Deno.test("a question that the client did not answer is asked again", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  scene.ask(1);
  const { keys, requestState } = await scene.required(first);
  const second = scene.call(modern("2", "tools/call", `${CALL},${retry(requestState)}`, ABLE));
  assert.deepEqual((await scene.required(second)).keys, keys);
});

Deno.test("the outcome that comes while nobody waits is kept for the retry", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const asked = scene.ask(1);
  const { requestState } = await scene.required(first);
  first.got.answer({ content: ["late"] });
  await assert.rejects(asked);
  const second = scene.call(modern("2", "tools/call", `${CALL},${retry(requestState)}`, ABLE));
  assert.deepEqual((await second.answer).json().result.content, ["late"]);
  const third = scene.call(modern("3", "tools/call", `${CALL},${retry(requestState)}`, ABLE));
  await assert.rejects(third.answer, { code: -32602 });
});

Deno.test("a server that dies while a call is held is told to the retry, the outcome unknown", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const asked = scene.ask(1);
  const { requestState } = await scene.required(first);
  const lost = new GatewayError("UpstreamUnavailable", "gone", { data: { outcome: "unknown" } });
  first.got.fail(lost);
  await assert.rejects(asked);
  const second = scene.call(modern("2", "tools/call", `${CALL},${retry(requestState)}`, ABLE));
  await assert.rejects(second.answer, { code: -31001, data: { outcome: "unknown" } });
});

Deno.test("of two retries at once the second is refused, and the first goes on", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  scene.ask(1);
  const { keys, requestState } = await scene.required(first);
  const answers = `${CALL},${retry(requestState, { [keys[0]]: "{}" })}`;
  const second = scene.call(modern("2", "tools/call", answers, ABLE));
  const third = scene.call(modern("3", "tools/call", answers, ABLE));
  await assert.rejects(third.answer, { code: -32600 });
  first.got.answer({ content: [] });
  assert.equal((await second.answer).json().id, 2);
});

Deno.test("a client that leaves has cancelled: in its first request, in a retry, and before either began", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  first.call.controller.abort();
  await assert.rejects(first.answer);
  assert.deepEqual(scene.server.abandoned, [first.got.call]);
  const again = await scene.tool();
  scene.ask(1);
  const { requestState } = await scene.required(again);
  const second = scene.call(modern("2", "tools/call", `${CALL},${retry(requestState)}`, ABLE));
  await scene.required(second);
  const third = scene.call(
    modern("3", "tools/call", `${CALL},${retry(requestState, { "question-1": "{}" })}`, ABLE),
  );
  third.call.controller.abort();
  await assert.rejects(third.answer);
  assert.equal(scene.server.abandoned.length, 2);
  const fourth = scene.call(modern("4", "tools/call", CALL, ABLE));
  fourth.call.controller.abort(); // while the handshake is made
  await assert.rejects(fourth.answer);
  assert.deepEqual(scene.server.waitingCalls(), []);
  assert.equal(scene.conversation.load, 0);
});

Deno.test("a client that does not come back is given up after its time, counted from the last question", async () => {
  const clock = FakeTimers.install();
  try {
    using scene = new HeldScene();
    const first = await scene.tool();
    const asked = scene.ask(1);
    await clock.tickAsync(10);
    const { keys, requestState } = await scene.required(first);
    await clock.tickAsync(HELD_MS - 60_000);
    const second = scene.call(
      modern("2", "tools/call", `${CALL},${retry(requestState, { [keys[0]]: "{}" })}`, ABLE),
    );
    await asked;
    const next = scene.ask(2);
    await clock.tickAsync(10);
    await scene.required(second);
    await clock.tickAsync(HELD_MS - 60_000);
    assert.equal(scene.server.abandoned.length, 0);
    await clock.tickAsync(90_000);
    assert.deepEqual(scene.server.abandoned, [first.got.call]);
    await assert.rejects(next);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a question that the server cancels is asked no more", async () => {
  using scene = new HeldScene();
  const first = await scene.tool();
  const a = scene.ask('"a"'), b = scene.ask("b");
  scene.conversation.cancelAsk(notification("notifications/cancelled", { requestId: "b" }));
  await assert.rejects(b);
  const { keys } = await scene.required(first);
  assert.deepEqual(keys, ["question-1"]);
  scene.conversation.cancelAsk(notification("notifications/cancelled"));
  void a;
});

Deno.test("a call whose questions were all cancelled goes on", async () => {
  const clock = FakeTimers.install();
  try {
    using scene = new HeldScene();
    const first = await scene.tool();
    const asked = scene.ask(1);
    scene.conversation.cancelAsk(notification("notifications/cancelled", { requestId: 1 }));
    await assert.rejects(asked);
    await clock.tickAsync(100); // the questions would have been gathered
    first.got.answer({ content: [] });
    assert.equal((await first.answer).json().result.resultType, "complete");
  } finally {
    clock.uninstall();
  }
});

Deno.test("a ping during a call is answered without the client", async () => {
  using scene = new HeldScene();
  await scene.tool();
  assert.deepEqual((await scene.ask(1, "ping")).json(), { jsonrpc: "2.0", id: 1, result: {} });
});

Deno.test("a client without the capability is not asked; the call that fails for it says which", async () => {
  using scene = new HeldScene();
  for (const failed of ["error", "tool error"]) {
    const first = await scene.tool(CALL, { capabilities: { roots: {} } });
    await assert.rejects(scene.ask(1), { code: -32601 });
    if (failed === "error") {
      first.got.answerRaw(failure(first.got.message.id, new GatewayError("InternalError", "x")));
    } else first.got.answer({ isError: true, content: [] });
    await assert.rejects(first.answer, {
      code: -32021,
      data: { requiredCapabilities: { elicitation: {} } },
    });
  }
  const fine = await scene.tool(CALL, {});
  await assert.rejects(scene.ask(1), { code: -32601 });
  fine.got.answer({ content: [] });
  assert.equal((await fine.answer).json().result.resultType, "complete");
});

Deno.test("a call that fails for another reason says that, also when a capability was missing", async () => {
  using scene = new HeldScene();
  const first = await scene.tool(CALL, {});
  await assert.rejects(scene.ask(1));
  first.got.fail(
    new GatewayError("UpstreamUnavailable", "gone", { data: { outcome: "unknown" } }),
  );
  await assert.rejects(first.answer, { code: -31001 });
});

Deno.test("a method whose result cannot require input is asked nothing", async () => {
  using scene = new HeldScene();
  const list = scene.call(modern("1", "tools/list", "", ABLE));
  const got = await scene.server.next();
  await assert.rejects(scene.ask(1, "roots/list", {}), { code: -32601 });
  got.answer({ tools: [] });
  assert.equal((await list.answer).json().result.resultType, "complete");
});

Deno.test("a question that belongs to no single call is refused", async () => {
  using scene = new HeldScene();
  await assert.rejects(scene.ask(1), { code: -32601 });
  await scene.tool();
  await scene.tool();
  await assert.rejects(scene.ask(1), { code: -32601 });
});

Deno.test("progress goes to the request that waits, under its own token, or to nobody", async () => {
  using scene = new HeldScene();
  const meta = (id: string, token: string, more = "") =>
    raw(
      modernText(id, `${CALL}${more}`).replace('"_meta":{', `"_meta":{"progressToken":${token},`),
    );
  const first = scene.call(meta("1", '"one"'));
  const got = await scene.server.next();
  const progress = (n: number) =>
    got.call!.notify(
      notification("notifications/progress", { progressToken: "one", progress: n }),
    );
  await progress(1);
  scene.ask(1);
  const { keys, requestState } = await scene.required(first);
  await progress(2);
  const answers = `,${retry(requestState, { [keys[0]]: "{}" })}`;
  const second = scene.call(meta("2", "1.0", answers));
  await progress(3);
  assert.deepEqual(first.call.told.map((message) => message.json().params.progress), [1]);
  assert.match(text(second.call.told[0])!, /"progressToken":1.0,"progress":3/);
  scene.ask(2);
  const next = await scene.required(second);
  const third = scene.call(
    modern(
      "3",
      "tools/call",
      `${CALL},${retry(next.requestState, { [next.keys[0]]: "{}" })}`,
      ABLE,
    ),
  );
  await progress(4);
  got.answer({ content: [] });
  await third.answer;
  assert.deepEqual(third.call.told, []);
});

function modernText(id: string, params: string): string {
  return text(modern(id, "tools/call", params, ABLE))!;
}
