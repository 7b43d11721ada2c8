import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import { MemberCall, MemberSession } from "../../../lib/core/member_session.ts";
import type { Message } from "../../../lib/core/message.ts";
import { callOf, ScriptedSession, toolCall } from "../../fixtures/scripted_pool.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const everything = (message: Message) => message;

Deno.test("ask() goes to the client under an id and a token that name the server, and comes back under its own", async () => {
  const base = new ScriptedSession("client");
  const session = new MemberSession(base, 7, everything);
  const question = request(1, "roots/list", { _meta: { progressToken: "t" } });
  const answer = await session.ask(question);
  assert.equal(text(answer.id), "1");
  assert.equal(text(base.asked[0].id), '"7:1"');
  assert.equal(text(base.asked[0].progressToken), '"7:\\"t\\""');
});

Deno.test("cancelAsk() names the question as the client knows it", () => {
  const base = new ScriptedSession("client");
  const session = new MemberSession(base, 2, everything);
  session.cancelAsk(notification("notifications/cancelled", { requestId: 5 }));
  session.cancelAsk(notification("notifications/cancelled", {}));
  assert.deepEqual(base.cancelledAsks.map((one) => text(one.requestId)), ['"2:5"']);
});

Deno.test("notify() passes what the filter lets through, of sessions and of calls", async () => {
  const base = new ScriptedSession("client");
  const filter = (message: Message) => message.method === "a" ? message : undefined;
  const session = new MemberSession(base, 0, filter);
  const call = new MemberCall(toolCall(base, "t"), request(9, "tools/call"), session);
  for (const target of [session, call]) {
    for (const method of ["a", "b"]) await target.notify(notification(method));
  }
  assert.deepEqual(base.told, ["a", "a"]);
});

Deno.test("a call has its own message, and the rest of its client's", async () => {
  const base = new ScriptedSession("client");
  const inner = callOf(base, request(1, "tools/call", { name: "x" }));
  const asked: Message[] = [];
  const outer = {
    ...inner,
    ask: (question: Message) => (asked.push(question), Promise.resolve(result(question.id!, {}))),
  };
  const session = new MemberSession(base, 3, everything);
  const call = new MemberCall(outer, request(2, "tools/call", { name: "y" }), session);
  assert.equal(call.message.name, "y");
  assert.equal(call.signal, inner.signal);
  assert.equal(call.request, inner.request);
  assert.equal(text((await call.ask(request(4, "ping"))).id), "4");
  assert.equal(text(asked[0].id), '"3:4"');
  assert.deepEqual(base.asked, []);
});
