import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import type { Call } from "../../../lib/core/handler.ts";
import type {
  Conversation,
  Conversations,
  OpenedServer,
  Server,
} from "../../../lib/core/upstream.ts";
import { HeardConversations } from "../../../lib/cache/heard_conversations.ts";
import { ask, FakeCall, FakeSession } from "../../fixtures/cache_scene.ts";

const CHANGED = notification("notifications/prompts/list_changed");

/** A server that remembers calls; what of it is not needed is not there. */
function fakeServer() {
  const requested: Call[] = [], abandoned: Call[] = [];
  const server = {
    name: "fake",
    request(call: Call) {
      requested.push(call);
      return Promise.resolve(result(call.message.id!, {}));
    },
    abandon: (call: Call) => void abandoned.push(call),
    handshake: () => Promise.resolve(result(new TextEncoder().encode("1"), {})),
  } as unknown as OpenedServer;
  return { server, requested, abandoned };
}

/** Conversations that pass everything on, and what was heard of them. */
function scene() {
  const passed: string[] = [], heard: string[] = [];
  let inner: Server | undefined;
  const conversation = (server: Server): Conversation => {
    inner = server;
    return {
      handle: (call) => server.request(call),
      notify: ({ method }) => Promise.resolve(void passed.push(method!)),
      ask: () => Promise.reject(new Error("nobody")),
      cancelAsk: () => {},
      [Symbol.dispose]: () => {},
    };
  };
  const conversations = { ofSession: conversation } as unknown as Conversations;
  const listener = {
    hear: ({ method }: { method: string | undefined }) => void heard.push(method!),
    isLegacy: () => void heard.push("legacy"),
  };
  return {
    heard,
    passed,
    conversations: new HeardConversations(conversations, listener),
    inner: () => inner!,
  };
}

Deno.test("HeardConversations hears what a server tells, and passes it on", async () => {
  const { conversations, heard, passed } = scene();
  const conversation = conversations.ofSession(fakeServer().server, new FakeSession());
  await conversation.notify(CHANGED);
  assert.deepEqual(heard, [CHANGED.method]);
  assert.deepEqual(passed, [CHANGED.method]);
});

Deno.test("HeardConversations hears listen streams, which can be abandoned under the call they are known by", async () => {
  const { conversations, heard, inner } = scene();
  const { server, requested, abandoned } = fakeServer();
  const conversation = conversations.ofSession(server, new FakeSession());
  const call = new FakeCall(ask("subscriptions/listen", {}));
  await conversation.handle(call);
  await requested[0].notify(CHANGED);
  assert.deepEqual(heard, [CHANGED.method]);
  assert.deepEqual(call.session.told, [CHANGED]);
  inner().abandon(call);
  assert.deepEqual(abandoned, requested);
});

Deno.test("HeardConversations passes other calls on as they are, and tells of a handshake", async () => {
  const { conversations, heard, inner } = scene();
  const { server, requested } = fakeServer();
  const conversation = conversations.ofSession(server, new FakeSession());
  const call = new FakeCall(ask("tools/list", {}));
  await conversation.handle(call);
  assert.equal(requested[0], call);
  await inner().handshake(ask("initialize", {}));
  assert.deepEqual(heard, ["legacy"]);
});
