import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import type { Call } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import type { Upstream } from "../../../lib/core/upstream.ts";
import { NO_REQUEST, OwnCall } from "../../../lib/router/own_call.ts";
import { Switchable } from "../../../lib/router/switchable.ts";
import { ClientSession } from "../../../lib/session/session.ts";
import { bounded } from "../../fixtures/child_wait.ts";
import { modern } from "../../fixtures/modern_messages.ts";

/** An upstream that notes what comes, and answers at once unless it is told to wait. */
class Noting implements Upstream {
  readonly name: string;
  readonly calls: Call[] = [];
  readonly ended = Promise.withResolvers<void>();
  readonly #held: Promise<void> | undefined;

  constructor(name: string, held?: Promise<void>) {
    this.name = name;
    this.#held = held;
  }

  get methods() {
    return this.calls.map(({ message }) => message.method);
  }

  readonly handle = async (call: Call): Promise<Message | undefined> => {
    this.calls.push(call);
    if (call.message.kind !== "request") return undefined;
    if (call.message.method === "subscriptions/listen") {
      await call.notify(notification("notifications/subscriptions/acknowledged"));
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      throw new Error("cancelled");
    }
    if (call.message.method === "tools/call") await this.#held;
    return result(call.message.id!, { from: this.name });
  };

  load = () => 0;
  ready = () => true;

  [Symbol.asyncDispose](): Promise<void> {
    this.ended.resolve();
    return Promise.resolve();
  }
}

const DRAIN_MS = 20_000;

/** A session, and what its client is told. */
function client(switchable: Switchable) {
  const session = new ClientSession("s", { askDeadlineMs: 1000, asksOpenMax: 10 });
  const told: string[] = [];
  const first = Promise.withResolvers<void>();
  session.listen({
    ...{ open: true, awaited: true, streams: true },
    send(message) {
      told.push(message.method!);
      first.resolve();
      return Promise.resolve();
    },
    answer() {},
    refuse() {},
    drop() {},
  });
  const say = (message: Message) => switchable.handle(new OwnCall(message, NO_REQUEST, session));
  return { session, told, toldFirst: first.promise, say };
}

const from = (answer: Message | undefined) => answer?.json().result.from;

Deno.test("Switchable leaves calls under way where they are, and ends their server after them", async () => {
  const held = Promise.withResolvers<void>();
  const [old, next] = [new Noting("old", held.promise), new Noting("next")];
  await using switchable = new Switchable(old);
  const { say, session } = client(switchable);
  const running = say(request(1, "tools/call", { name: "t" }));
  switchable.switchTo(next, DRAIN_MS);
  assert.equal(switchable.name, "next");
  assert.equal(from(await say(request(2, "tools/call", { name: "t" }))), "next");
  await say(notification("notifications/cancelled", { requestId: 1 }));
  assert.ok(old.methods.includes("notifications/cancelled"));
  held.resolve();
  assert.equal(from(await running), "old");
  await bounded(old.ended.promise, "the end of the old one");
  session.end();
});

Deno.test("Switchable ends a server that does not finish in time", async () => {
  const old = new Noting("old", new Promise(() => {}));
  await using switchable = new Switchable(old);
  const { say, session } = client(switchable);
  void say(request(1, "tools/call", { name: "t" }));
  switchable.switchTo(new Noting("next"), 10);
  await bounded(old.ended.promise, "the end of the old one");
  session.end();
});

Deno.test("Switchable makes clients known to the next server in their own words, once", async () => {
  const next = new Noting("next");
  await using switchable = new Switchable(new Noting("old"));
  const { say, session, told, toldFirst } = client(switchable);
  await say(request(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {} }));
  await say(notification("notifications/initialized"));
  await say(request(2, "logging/setLevel", { level: "info" }));
  await say(request(3, "resources/subscribe", { uri: "x:/1" }));
  await say(request(4, "tools/list"));
  switchable.switchTo(next, DRAIN_MS);
  const both = [say(request(5, "tools/call", { name: "t" })), say(request(6, "ping"))];
  assert.deepEqual((await Promise.all(both)).map(from), ["next", "next"]);
  assert.deepEqual(next.methods, [
    ...["initialize", "notifications/initialized", "logging/setLevel", "resources/subscribe"],
    ...["tools/call", "ping"],
  ]);
  assert.equal(next.calls[0].message.json().params.protocolVersion, "2025-06-18");
  await bounded(toldFirst, "the change");
  assert.deepEqual(told, ["notifications/tools/list_changed"]);
  session.end();
});

Deno.test("Switchable moves listen streams, which hear of one beginning and one change", async () => {
  const [old, next] = [new Noting("old"), new Noting("next")];
  await using switchable = new Switchable(old);
  const message = modern("7", "subscriptions/listen", '"notifications":{"toolsListChanged":true}');
  const heard: Message[] = [];
  const changed = Promise.withResolvers<void>();
  const { session } = client(switchable);
  const end = new AbortController();
  const listening = switchable.handle({
    ...{ message, request: NO_REQUEST, session, signal: end.signal },
    notify(message) {
      heard.push(message);
      if (message.method === "notifications/tools/list_changed") changed.resolve();
      return Promise.resolve();
    },
    ask: () => Promise.reject(new Error("not here")),
  }).catch(() => "left");
  switchable.switchTo(next, DRAIN_MS);
  await bounded(changed.promise, "the change");
  assert.deepEqual(next.methods, ["subscriptions/listen"]);
  assert.ok(old.calls[0].signal.aborted);
  assert.deepEqual(heard.map(({ method }) => method), [
    "notifications/subscriptions/acknowledged",
    "notifications/tools/list_changed",
  ]);
  await bounded(old.ended.promise, "the end of the old one");
  end.abort();
  assert.equal(await bounded(listening, "the end of the stream"), "left");
  session.end();
});
