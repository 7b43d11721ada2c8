import assert from "node:assert/strict";
import FakeTimers from "@sinonjs/fake-timers";
import { failure } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call } from "../../../lib/core/handler.ts";
import { ask, askModern, cacheScene, FakeCall, FakeSession } from "../../fixtures/cache_scene.ts";

const TOOLS = { tools: [{ name: "a", inputSchema: {} }] };
const read = (uri: string, id: number | string = 1) => ask("resources/read", { uri }, id);

Deno.test("ResponseCache answers a repeated list under the id of each request", async () => {
  const { get, asked, counts } = cacheScene(() => TOOLS);
  const first = await get(ask("tools/list", {}, 1));
  const second = await get(ask("tools/list", {}, "zwei"));
  assert.deepEqual([first.id, second.id], [1, "zwei"]);
  assert.deepEqual(second.result, first.result);
  assert.equal(asked.length, 1);
  assert.deepEqual(counts, { "l1 miss": 1, "l3 kept": 1, "l1 hit": 1 });
});

Deno.test("ResponseCache tells requests apart by method, parameters and era", async () => {
  const { get, asked } = cacheScene((call) => ({ told: call.message.json().params?.cursor ?? "" }));
  for (let round = 0; round < 2; round++) {
    await get(ask("tools/list"));
    await get(ask("tools/list", {}));
    assert.equal((await get(ask("tools/list", { cursor: "b" }))).result.told, "b");
    assert.equal((await get(ask("tools/list", { cursor: "c" }))).result.told, "c");
    await get(ask("prompts/list", {}));
    await get(askModern("tools/list"));
  }
  assert.equal(asked.length, 5);
});

Deno.test("ResponseCache does not mistake one spelling of doubled keys for another", async () => {
  const { handle, asked } = cacheScene(() => TOOLS);
  const { Message } = await import("../../../lib/core/message.ts");
  const texts = ['{"cursor":"a","cursor":"b"}', '{"cursor":"b"}', '{"cursor":"b","cursor":"a"}'];
  for (const params of texts) {
    const text = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${params}}`;
    await handle(new FakeCall(Message.from(new TextEncoder().encode(text))));
  }
  assert.equal(asked.length, 3);
});

Deno.test("ResponseCache keeps progress tokens and trace fields out of what is asked", async () => {
  const { get, asked } = cacheScene(() => TOOLS);
  for (let count = 0; count < 3; count++) {
    const _meta = { progressToken: count, traceparent: `00-${count}` };
    await get(ask("tools/list", { _meta }, count));
  }
  assert.equal(asked.length, 1);
  await get(ask("tools/list", { _meta: { tenant: "x" } }));
  assert.equal(asked.length, 2);
});

Deno.test("ResponseCache passes on requests with unknown parameters", async () => {
  const { get, asked } = cacheScene(() => ({ contents: [] }));
  for (let count = 0; count < 2; count++) {
    await get(ask("resources/read", { uri: "x://1", inputResponses: {} }));
    await get(ask("resources/read", { uri: "x://1", requestState: "s" }));
  }
  assert.equal(asked.length, 4);
});

Deno.test("ResponseCache obeys ttlMs and announces what is left of it", async () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const declared = { ...TOOLS, ttlMs: 300000, cacheScope: "public" };
    const { get, asked } = cacheScene(() => declared);
    assert.equal((await get(askModern("tools/list"))).result.ttlMs, 300000);
    clock.tick(299_001);
    const late = await get(askModern("tools/list", {}, "another"));
    assert.deepEqual(late.result, { ...declared, ttlMs: 999 });
    clock.tick(999);
    assert.equal((await get(askModern("tools/list"))).result.ttlMs, 300000);
    assert.equal(asked.length, 2);
  } finally {
    clock.uninstall();
  }
});

for (const ttlMs of [0, -1, 0.5, "1000", null, 1e20]) {
  Deno.test(`ResponseCache keeps nothing whose ttlMs is ${JSON.stringify(ttlMs)}`, async () => {
    const { get, asked } = cacheScene(() => ({ ...TOOLS, ttlMs, cacheScope: "public" }));
    for (let count = 0; count < 3; count++) {
      assert.equal((await get(askModern("tools/list"))).result.ttlMs, ttlMs);
    }
    assert.equal(asked.length, 3);
  });
}

Deno.test("ResponseCache keeps what a bridge says of a server with a handshake, and announces it as it came", async () => {
  const bridged = { ...TOOLS, resultType: "complete", ttlMs: 0, cacheScope: "private" };
  const { get, asked, cache } = cacheScene(() => bridged);
  await get(askModern("tools/list"), new FakeSession(true));
  cache.isLegacy();
  for (let count = 0; count < 3; count++) {
    const { result } = await get(askModern("tools/list"), new FakeSession(true));
    assert.deepEqual(result, bridged);
  }
  assert.equal(asked.length, 2);
});

Deno.test("ResponseCache keeps no error, no tool error, no question and no answer that took one", async () => {
  const refusal = new GatewayError("InvalidParams", "Cannot read: no");
  const answers: Record<string, (call: Call) => unknown> = {
    "x://error": (call) => failure(call.message.id, refusal),
    "x://tool": () => ({ isError: true, contents: [] }),
    "x://question": () => ({ resultType: "input_required", inputRequests: {} }),
    "x://asks": async (call) => {
      await call.ask(ask("roots/list"));
      return { contents: [] };
    },
  };
  const { get, asked } = cacheScene((call) => answers[call.message.uri!](call));
  for (const uri of Object.keys(answers)) {
    asked.length = 0;
    await get(read(uri));
    await get(read(uri));
    assert.equal(asked.length, 2, uri);
  }
});

Deno.test("ResponseCache keeps prompts only where the server names a time", async () => {
  const { get, asked } = cacheScene(({ message }) =>
    message.name === "good" ? { messages: [], ttlMs: 1000, cacheScope: "public" } : { messages: [] }
  );
  for (let count = 0; count < 2; count++) {
    await get(ask("prompts/get", { name: "good", arguments: { a: 1 } }));
    await get(ask("prompts/get", { name: "other", arguments: { a: 1 } }));
  }
  assert.equal(asked.length, 3);
});

Deno.test("ResponseCache never answers a handshake, nor discovery for clients with a session", async () => {
  const { get, asked } = cacheScene(() => ({ ttlMs: 1000, cacheScope: "public" }));
  for (let count = 0; count < 2; count++) {
    await get(ask("initialize", {}));
    await get(askModern("server/discover"), new FakeSession());
  }
  assert.equal(asked.length, 4);
  for (let count = 0; count < 2; count++) {
    await get(askModern("server/discover"), new FakeSession(true));
  }
  assert.equal(asked.length, 5);
});

Deno.test("ResponseCache keeps answers of a server per session to the session", async () => {
  const { get, asked } = cacheScene((call) => ({ of: call.session.id }), { isPerSession: true });
  const [one, two] = [new FakeSession(), new FakeSession()];
  for (let count = 0; count < 2; count++) {
    assert.equal((await get(ask("tools/list"), one)).result.of, one.id);
    assert.equal((await get(ask("tools/list"), two)).result.of, two.id);
  }
  assert.equal(asked.length, 2);
});

Deno.test("ResponseCache shares what a server calls public, whoever asks", async () => {
  const declared = { ...TOOLS, ttlMs: 1000, cacheScope: "public" };
  const { get, asked } = cacheScene(() => declared, { isPerSession: true });
  for (const principal of ["a", "b", undefined]) {
    await get(askModern("tools/list", {}, 1, { roots: {} }), new FakeSession(), principal);
    await get(askModern("tools/list"), new FakeSession(true), principal);
  }
  assert.equal(asked.length, 1);
});

Deno.test("ResponseCache gives private answers to nobody else: 0 of 100,000 reads of two principals", async () => {
  const { get, memory } = cacheScene((call) => ({
    ttlMs: 60_000,
    cacheScope: "private",
    of: call.request.identity!.principal,
  }));
  const sessions = [new FakeSession(), new FakeSession(true)];
  let foreign = 0;
  for (let count = 0; count < 100_000; count++) {
    const principal = count % 2 === 0 ? "anne" : "bert";
    const message = read(`x://${count % 7}`, count);
    const answer = await get(message, sessions[count % 3 % 2], principal);
    if (answer.result.of !== principal || answer.id !== count) foreign++;
  }
  assert.equal(foreign, 0);
  assert.equal(memory.entries, 14);
});

Deno.test("ResponseCache keeps private answers of unknown clients to their session, and none without one", async () => {
  const { get, asked } = cacheScene(() => ({ ...TOOLS, ttlMs: 1000, cacheScope: "private" }));
  const session = new FakeSession();
  for (let count = 0; count < 2; count++) await get(ask("tools/list"), session);
  assert.equal(asked.length, 1);
  for (let count = 0; count < 2; count++) await get(ask("tools/list"), new FakeSession());
  assert.equal(asked.length, 3);
  for (let count = 0; count < 2; count++) await get(ask("tools/list"), new FakeSession(true));
  assert.equal(asked.length, 5);
});

Deno.test("ResponseCache passes everything on when it is off", async () => {
  let isOn = true;
  const { get, asked } = cacheScene(() => TOOLS, { isOn: () => isOn });
  await get(ask("tools/list"));
  isOn = false;
  await get(ask("tools/list"));
  isOn = true;
  await get(ask("tools/list"));
  assert.equal(asked.length, 2);
});
