import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure } from "../../../lib/core/compose.ts";
import { GatewayError, type GatewayErrorOptions } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import { EraConversations } from "../../../lib/era/conversations.ts";
import { FakeCall, FakeServer, FakeSession, type Got } from "../../fixtures/fake_server.ts";
import { modern, raw, text } from "../../fixtures/modern_messages.ts";

const DISCOVER = modern('"server-discover-probe-1"', "server/discover");
const DISCOVERED = { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities: {} };
const INITIALIZE = raw(
  '{"jsonrpc":"2.0","id":1.0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c"}}}',
);
const INITIALIZED =
  '{"jsonrpc":"2.0","id":1.0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"n":1.0}}';

/** One upstream, and any number of clients with servers of their own. */
class Scene implements Disposable {
  readonly clock = FakeTimers.install();
  readonly conversations: EraConversations;

  constructor(only?: "legacy" | "modern") {
    this.conversations = new EraConversations(only);
  }

  client() {
    const server = new FakeServer(), session = new FakeSession();
    const conversation = this.conversations.ofSession(server, session);
    const say = (message: Message) => {
      const answer = (async () => await conversation.handle(new FakeCall(message, session)))();
      answer.catch(() => {}); // looked at by the test
      return answer;
    };
    return { server, session, conversation, say };
  }

  [Symbol.dispose](): void {
    this.conversations[Symbol.dispose]();
    this.clock.uninstall();
  }
}

const refuse = (got: Got, ...error: ConstructorParameters<typeof GatewayError>) =>
  got.answerRaw(failure(got.message.id, new GatewayError(...error)));
const isProbe = ({ message, call }: Got) =>
  call === undefined && message.method === "server/discover";

Deno.test("a client and a server with a handshake are left alone", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const answer = say(INITIALIZE);
  const got = await server.next();
  assert.equal(text(got.message), text(INITIALIZE));
  got.answerRaw(raw(INITIALIZED));
  assert.equal(text(await answer), INITIALIZED);
  const call = raw('{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"x":1.0}}');
  say(call);
  assert.equal(text((await server.next()).message), text(call));
});

Deno.test("a client with a handshake is bridged to a server that has none, which is found out once", async () => {
  using scene = new Scene();
  const first = scene.client();
  const answer = first.say(INITIALIZE);
  refuse(await first.server.next(), "UnsupportedVersion", "no");
  const probe = await first.server.next();
  assert.ok(isProbe(probe));
  probe.answer(DISCOVERED);
  (await first.server.next()).answer(DISCOVERED); // in the name of the client
  assert.equal((await answer)!.json().result.protocolVersion, "2025-11-25");
  const second = scene.client();
  const next = second.say(INITIALIZE);
  const only = await second.server.next();
  assert.equal(only.message.method, "server/discover");
  only.answer(DISCOVERED);
  assert.ok(!(await next)!.isError);
});

Deno.test("a server that refuses both keeps its own words", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const answer = say(INITIALIZE);
  (await server.next()).answerRaw(
    raw('{"jsonrpc":"2.0","id":1.0,"error":{"code":-32000,"message":"not today"}}'),
  );
  refuse(await server.next(), "MethodNotFound", "no");
  assert.equal((await answer)!.json().error.message, "not today");
});

Deno.test("a sessionless client and a server of both eras are left alone after the probe", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const answer = say(DISCOVER);
  const probe = await server.next();
  assert.ok(isProbe(probe));
  probe.answer(DISCOVERED);
  const got = await server.next();
  assert.equal(text(got.message), text(DISCOVER));
  const bytes = '{"jsonrpc":"2.0","id":"server-discover-probe-1","result":{"n":1.0}}';
  got.answerRaw(raw(bytes));
  assert.equal(text(await answer), bytes);
  const next = scene.client();
  next.say(DISCOVER);
  assert.equal(text((await next.server.next()).message), text(DISCOVER)); // no second probe
});

for (const failure of ["UnsupportedVersion", "MissingCapability", "HeaderMismatch"] as const) {
  Deno.test(`a probe that is answered ${failure} has found the sessionless era`, async () => {
    using scene = new Scene();
    const { server, say } = scene.client();
    const list = modern("1", "tools/list");
    say(list);
    refuse(await server.next(), failure, "no");
    assert.equal(text((await server.next()).message), text(list));
  });
}

Deno.test("a sessionless client is bridged to a server with a handshake", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const answer = say(DISCOVER);
  refuse(await server.next(), "MethodNotFound", "no");
  assert.deepEqual((await answer)!.json().result.supportedVersions, ["2026-07-28"]);
});

Deno.test("a silent server is taken for one with a handshake, by the next client at once", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const answer = say(modern("1", "tools/list"));
  assert.ok(isProbe(await server.next()));
  await scene.clock.tickAsync(5000);
  const list = await server.next();
  assert.equal(list.message.protocolVersion, undefined);
  list.answer({ tools: [] });
  assert.equal((await answer)!.json().result.ttlMs, 0);
  const next = scene.client();
  assert.ok(!(await next.say(DISCOVER))!.isError);
});

Deno.test("a slow server that answers the probe late is known to the next client", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  say(modern("1", "tools/list"));
  const probe = await server.next();
  await scene.clock.tickAsync(5000);
  await server.next();
  probe.answer(DISCOVERED);
  await scene.clock.tickAsync(0);
  const next = scene.client();
  next.say(DISCOVER);
  assert.equal(text((await next.server.next()).message), text(DISCOVER));
});

Deno.test("a slow server that refuses the handshake is probed again", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  server.handshake = () =>
    Promise.resolve(raw('{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"no"}}'));
  const list = modern("1", "tools/list");
  say(list);
  await server.next();
  await scene.clock.tickAsync(5000);
  const second = await server.next();
  assert.ok(isProbe(second));
  second.answer(DISCOVERED);
  assert.equal(text((await server.next()).message), text(list));
});

Deno.test("a client that probes has an answer in time, and may make the handshake then", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const probed = say(DISCOVER);
  const probe = await server.next();
  await scene.clock.tickAsync(2000);
  await assert.rejects(probed, { code: -32601 });
  const answer = say(INITIALIZE);
  const got = await server.next();
  assert.equal(text(got.message), text(INITIALIZE));
  refuse(probe, "MethodNotFound", "no");
  got.answerRaw(raw(INITIALIZED));
  assert.equal(text(await answer), INITIALIZED);
  say(raw('{"jsonrpc":"2.0","id":2,"method":"tools/list"}'));
  assert.equal((await server.next()).message.method, "tools/list");
});

Deno.test("a client that was answered and makes the handshake all the same gets one of its own", async () => {
  using scene = new Scene();
  const { server, say, conversation, session } = scene.client();
  const probed = say(DISCOVER);
  refuse(await server.next(), "MethodNotFound", "no");
  await probed;
  const answer = say(INITIALIZE);
  const got = await server.next();
  assert.equal(server.undone, 1);
  assert.equal(text(got.message), text(INITIALIZE));
  got.answerRaw(raw(INITIALIZED));
  await answer;
  await conversation.notify(raw('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'));
  assert.equal(session.told.length, 1);
});

const LOST = (options: GatewayErrorOptions["data"]) =>
  ["UpstreamUnavailable", "down", { data: options }] as const;

Deno.test("a server that could not be reached is asked again by the same client and the next", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const first = say(modern("1", "tools/list"));
  (await server.next()).fail(new GatewayError(...LOST({ outcome: "not_sent" })));
  await assert.rejects(first, { code: -31001 });
  const second = say(modern("2", "tools/list"));
  refuse(await server.next(), ...LOST({ outcome: "not_sent" })); // as HTTP tells it
  await assert.rejects(second, { code: -31001 });
  const third = say(modern("3", "tools/list"));
  const probe = await server.next();
  assert.ok(isProbe(probe));
  probe.answer(DISCOVERED);
  (await server.next()).answer({ tools: [] });
  assert.equal((await third)!.json().id, 3);
});

Deno.test("a handshake that cannot reach the server teaches nothing", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  const first = say(INITIALIZE);
  refuse(await server.next(), ...LOST({ outcome: "unknown" }));
  refuse(await server.next(), ...LOST({ outcome: "unknown" }));
  await assert.rejects(first, { code: -31001 });
  const second = scene.client();
  const answer = second.say(INITIALIZE);
  refuse(await second.server.next(), "UnsupportedVersion", "no");
  (await second.server.next()).answer(DISCOVERED);
  (await second.server.next()).answer(DISCOVERED);
  assert.ok(!(await answer)!.isError);
});

Deno.test("HTTP statuses tell the eras: 404 one, 503 none", async () => {
  for (
    const [status, asksAgain] of [[404, false], [405, false], [503, true], [401, true]] as const
  ) {
    using scene = new Scene();
    const { server, say } = scene.client();
    let handshakes = 0;
    const { handshake } = server;
    server.handshake = (initialize) => {
      handshakes++;
      return handshake.call(server, initialize);
    };
    say(modern("1", "tools/list"));
    refuse(await server.next(), ...LOST({ outcome: "unknown", status }));
    const list = await server.next();
    assert.equal(list.message.method, "tools/list");
    assert.equal(handshakes, asksAgain ? 2 : 1, `${status}`);
  }
});

Deno.test("a server that dies of the probe may still know the handshake", async () => {
  using scene = new Scene();
  const { server, say } = scene.client();
  say(modern("1", "tools/list"));
  (await server.next()).fail(new GatewayError(...LOST({ outcome: "unknown" })));
  assert.equal((await server.next()).message.protocolVersion, undefined);
});

Deno.test("a call that is cancelled while the server is being found out never reaches it", async () => {
  using scene = new Scene();
  const { server, session, conversation } = scene.client();
  const call = new FakeCall(modern("1", "tools/list"), session);
  const answer = (async () => await conversation.handle(call))();
  const probe = await server.next();
  call.controller.abort();
  probe.answer(DISCOVERED);
  await assert.rejects(answer);
  assert.equal(server.untaken, 0);
});

Deno.test("a server that is only spoken to with a handshake is never probed", async () => {
  using scene = new Scene("legacy");
  const { server, say } = scene.client();
  say(modern("1", "tools/list"));
  const got = await server.next();
  assert.deepEqual([got.message.method, got.message.protocolVersion], ["tools/list", undefined]);
});

Deno.test("a server that is only spoken to without a handshake gets none", async () => {
  using scene = new Scene("modern");
  const { server, say } = scene.client();
  const answer = say(INITIALIZE);
  const got = await server.next();
  assert.equal(got.message.method, "server/discover");
  got.answer(DISCOVERED);
  assert.ok(!(await answer)!.isError);
  const other = scene.client();
  other.say(modern("1", "tools/list"));
  assert.equal((await other.server.next()).message.method, "tools/list");
});
