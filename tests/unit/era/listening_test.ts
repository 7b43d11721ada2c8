import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure, notification } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { listenEnded } from "../../../lib/core/listen.ts";
import { acknowledgement, filterOf, underListen } from "../../../lib/era/listen_filter.ts";
import { Listening } from "../../../lib/era/listening.ts";
import { FakeServer, FakeSession, type Got } from "../../fixtures/fake_server.ts";
import { text } from "../../fixtures/modern_messages.ts";

const SELF = { capabilities: new TextEncoder().encode("{}"), info: undefined };
const CHANGED = "notifications/tools/list_changed";

/** A listening with fake time. */
function scene(capabilities: Parameters<Listening["learn"]>[0] = { tools: { listChanged: true } }) {
  const clock = FakeTimers.install();
  const server = new FakeServer();
  const session = new FakeSession();
  const listening = new Listening(server, session);
  listening.learn(capabilities);
  const told = () => session.told.map((message) => `${message.method} ${message.uri ?? ""}`.trim());
  return {
    clock,
    server,
    session,
    listening,
    told,
    [Symbol.dispose]() {
      listening[Symbol.dispose]();
      clock.uninstall();
    },
  };
}

const filter = ({ message }: Got) => filterOf(message);
const acknowledge = (got: Got, taken = filter(got)) =>
  got.call!.notify(acknowledgement(taken, got.message.id!));
const tell = (got: Got, method: string, params?: unknown) =>
  got.call!.notify(underListen(notification(method, params), got.message.id!));
const update = (got: Got, uri: string) => tell(got, "notifications/resources/updated", { uri });
const isOpen = (server: FakeServer, got: Got) => server.waitingCalls().includes(got.call!);

Deno.test("Listening asks for the lists that the server can tell of, in the name of the client", async () => {
  using all = scene({
    tools: { listChanged: true },
    prompts: {},
    resources: { listChanged: true, subscribe: true },
  });
  all.listening.begin({ capabilities: new TextEncoder().encode('{"x":1.0}'), info: undefined });
  const got = await all.server.next();
  assert.equal(got.message.method, "subscriptions/listen");
  assert.deepEqual(filter(got), { toolsListChanged: true, resourcesListChanged: true });
  assert.match(text(got.message)!, /"io.modelcontextprotocol\/clientCapabilities":\{"x":1.0\}/);
  assert.equal(got.message.protocolVersion, "2026-07-28");
  await acknowledge(got);
  await tell(got, CHANGED);
  assert.deepEqual(all.session.told.map(text), [`{"jsonrpc":"2.0","method":"${CHANGED}"}`]);
});

Deno.test("Listening opens no stream where there is nothing to listen for", () => {
  using all = scene({});
  all.listening.begin(SELF);
  assert.equal(all.server.untaken, 0);
});

Deno.test("Listening.subscribe() opens the next stream before it ends the last, and nothing is told twice", async () => {
  using all = scene();
  const { server, listening, clock, told } = all;
  listening.begin(SELF);
  const first = await server.next();
  await acknowledge(first);
  const subscribed = listening.subscribe("test://a");
  const second = await server.next();
  assert.deepEqual(filter(second), { toolsListChanged: true, resourceSubscriptions: ["test://a"] });
  assert.ok(isOpen(server, first));
  await tell(first, CHANGED); // the server tells both streams of one change
  await acknowledge(second);
  await tell(second, CHANGED);
  await update(second, "test://a");
  await subscribed;
  await clock.tickAsync(1000);
  assert.deepEqual(told(), [CHANGED, "notifications/resources/updated test://a"]);
  assert.ok(!isOpen(server, first) && isOpen(server, second));
});

Deno.test("Listening loses nothing that only the last stream tells, even after the next was acknowledged", async () => {
  using all = scene({ tools: { listChanged: true }, prompts: { listChanged: true } });
  const { server, listening, clock, told } = all;
  listening.begin(SELF);
  const first = await server.next();
  await acknowledge(first);
  const subscribed = listening.subscribe("test://a");
  const second = await server.next();
  await tell(first, "notifications/prompts/list_changed");
  await acknowledge(second);
  await subscribed;
  await tell(first, CHANGED); // written before the second stream stood, read after
  await clock.tickAsync(1000);
  assert.deepEqual(told().sort(), ["notifications/prompts/list_changed", CHANGED]);
});

Deno.test("Listening keeps the stream that stands when the server refuses the next", async () => {
  using all = scene();
  const { server, listening, clock, told } = all;
  listening.begin(SELF);
  const first = await server.next();
  await acknowledge(first);
  const refused = assert.rejects(listening.subscribe("test://a"), { failure: "InvalidParams" });
  const second = await server.next();
  await tell(first, CHANGED);
  second.answerRaw(failure(second.message.id, new GatewayError("InvalidParams", "no")));
  await refused;
  await tell(first, CHANGED);
  assert.deepEqual(told(), [CHANGED, CHANGED]);
  const subscribed = listening.subscribe("test://b");
  const third = await server.next();
  assert.deepEqual(filter(third).resourceSubscriptions, ["test://b"]);
  await acknowledge(third);
  await subscribed;
  await clock.tickAsync(1000);
  assert.deepEqual(server.waitingCalls(), [third.call]); // and no other is left over
});

Deno.test("Listening.subscribe() fails when the server does not acknowledge the resource", async () => {
  using all = scene();
  const refused = assert.rejects(all.listening.subscribe("test://a"), { failure: "InvalidParams" });
  await acknowledge(await all.server.next(), { toolsListChanged: true });
  await refused;
});

Deno.test("Listening.subscribe() fails when the server never acknowledges, and gives the stream up", async () => {
  using all = scene({});
  const refused = assert.rejects(all.listening.subscribe("test://a"), {
    failure: "UpstreamTimeout",
  });
  await all.server.next();
  await all.clock.tickAsync(10_000);
  await refused;
  assert.equal(all.server.waitingCalls().length, 0);
});

Deno.test("Listening makes changes one after the other", async () => {
  using all = scene({});
  const { server, listening, clock } = all;
  const both = Promise.all([listening.subscribe("test://a"), listening.subscribe("test://b")]);
  const first = await server.next();
  assert.equal(server.untaken, 0);
  await acknowledge(first);
  if (filter(first).resourceSubscriptions?.length === 1) await acknowledge(await server.next());
  await both;
  await clock.tickAsync(1000);
  assert.equal(server.waitingCalls().length, 1);
  const nothing = listening.subscribe("test://a"); // it is already
  await nothing;
  assert.equal(server.untaken, 0);
});

Deno.test("Listening.unsubscribe() leaves the resource out, and the last one ends the stream", async () => {
  using all = scene({});
  const { server, listening, clock } = all;
  for (const uri of ["test://a", "test://b"]) {
    const subscribed = listening.subscribe(uri);
    await acknowledge(await server.next());
    await subscribed;
  }
  const unsubscribed = listening.unsubscribe("test://a");
  const third = await server.next();
  assert.deepEqual(filter(third).resourceSubscriptions, ["test://b"]);
  await acknowledge(third);
  await unsubscribed;
  await listening.unsubscribe("test://b");
  await listening.unsubscribe("test://b");
  await clock.tickAsync(1000);
  assert.deepEqual(server.waitingCalls(), []);
});

Deno.test("Listening opens a lost stream again, later each time, and then tells of everything", async () => {
  using all = scene();
  const { server, listening, clock, told } = all;
  listening.begin(SELF);
  let got = await server.next();
  await acknowledge(got);
  for (const waitMs of [100, 200, 400]) {
    got.fail(new GatewayError("UpstreamUnavailable", "gone"));
    await clock.tickAsync(waitMs - 1);
    assert.equal(server.untaken, 0);
    await clock.tickAsync(1);
    got = await server.next();
  }
  await acknowledge(got);
  await clock.tickAsync(0);
  assert.deepEqual(told(), [CHANGED]);
  await clock.tickAsync(30_000); // it has lasted
  got.answerRaw(listenEnded(got.message.id!));
  await clock.tickAsync(100);
  await acknowledge(await server.next());
  await clock.tickAsync(0);
  assert.deepEqual(told(), [CHANGED, CHANGED]);
});

Deno.test("Listening does not hurry for a server that ends each stream at once", async () => {
  using all = scene();
  const { server, listening, clock } = all;
  listening.begin(SELF);
  let opened = 0;
  const serving = (async () => {
    for (;;) {
      const got = await server.next();
      opened++;
      await acknowledge(got);
      got.answerRaw(listenEnded(got.message.id!));
    }
  })();
  serving.catch(() => {});
  await clock.tickAsync(60_000);
  assert.ok(opened <= 11, `${opened} streams in a minute`);
});

Deno.test("Listening opens a stream again that the way to the server has failed, as HTTP tells it", async () => {
  using all = scene();
  const { server, listening, clock } = all;
  listening.begin(SELF);
  const first = await server.next();
  await acknowledge(first);
  const lost = new GatewayError("UpstreamUnavailable", "connection reset", {
    data: { outcome: "unknown" },
  });
  first.answerRaw(failure(first.message.id, lost));
  await clock.tickAsync(100);
  assert.equal(server.untaken, 1);
});

Deno.test("Listening does not ask again a server that does not want to", async () => {
  using all = scene();
  const { server, listening, clock } = all;
  listening.begin(SELF);
  const first = await server.next();
  first.answerRaw(failure(first.message.id, new GatewayError("MethodNotFound", "no such method")));
  await clock.tickAsync(120_000);
  assert.equal(server.untaken, 0);
});

Deno.test("Listening ends every stream when it is disposed, also between two", async () => {
  using all = scene();
  const { server, listening } = all;
  listening.begin(SELF);
  await acknowledge(await server.next());
  const refused = assert.rejects(listening.subscribe("test://a"));
  await server.next();
  listening[Symbol.dispose]();
  await refused;
  assert.deepEqual(server.waitingCalls(), []);
  assert.equal(all.clock.countTimers(), 0);
});

Deno.test("Listening.subscribe() has a limit", async () => {
  using all = scene({});
  const { server, listening } = all;
  const serving = (async () => {
    for (;;) await acknowledge(await server.next());
  })();
  serving.catch(() => {});
  for (let i = 0; i < 1000; i++) await listening.subscribe(`test://${i}`);
  await assert.rejects(listening.subscribe("test://one-more"), { failure: "Overloaded" });
  await listening.subscribe("test://1");
});
