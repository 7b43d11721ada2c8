import assert from "node:assert/strict";
import { notification, request, result } from "../../../lib/core/compose.ts";
import { LateReceiver } from "../../../lib/core/late_receiver.ts";
import { ownerOf } from "../../../lib/core/owner.ts";
import { LegacyPassThrough, ModernPassThrough } from "../../../lib/era/pass_through.ts";
import { FakeCall, FakeServer, FakeSession } from "../../fixtures/fake_server.ts";
import { modern } from "../../fixtures/modern_messages.ts";

const LOG = notification("notifications/message", { level: "info", data: 1 });

Deno.test("LegacyPassThrough hands the very messages on, both ways", async () => {
  const server = new FakeServer(), session = new FakeSession();
  const conversation = new LegacyPassThrough(server, session);
  const sent = notification("notifications/roots/list_changed");
  await conversation.handle(new FakeCall(sent, session));
  assert.equal(server.sent[0], sent);
  const cancel = notification("notifications/cancelled", { requestId: 1 });
  await conversation.handle(new FakeCall(cancel, session));
  assert.equal(server.cancelled[0], cancel);
  await conversation.notify(LOG);
  assert.equal(session.told[0], LOG);
  session.onAsk = (message) => Promise.resolve(result(message.id!, {}));
  assert.deepEqual((await conversation.ask(request("q", "roots/list"))).json().id, "q");
  conversation.cancelAsk(cancel);
  assert.equal(session.cancelledAsks[0], cancel);
});

Deno.test("ModernPassThrough gives a log message to the only call that wants any", async () => {
  const server = new FakeServer();
  const conversation = new ModernPassThrough(server);
  const call = (logLevel?: string) => {
    const made = new FakeCall(modern("1", "tools/call", '"name":"t"', { logLevel }));
    conversation.handle(made);
    return made;
  };
  const quiet = call(), loud = call("info");
  await conversation.notify(LOG);
  assert.deepEqual([quiet.told, loud.told], [[], [LOG]]);
  const other = call("info");
  await conversation.notify(LOG);
  await conversation.notify(notification("notifications/tools/list_changed"));
  assert.deepEqual([loud.told.length, other.told.length], [1, 0]);
  assert.throws(() => conversation.ask(request("q", "roots/list")), { code: -32601 });
});

Deno.test("LateReceiver has nobody until it is bound", async () => {
  const receiver = new LateReceiver();
  await receiver.notify(LOG);
  receiver.cancelAsk(LOG);
  await assert.rejects(receiver.ask(request(1, "roots/list")), { code: -32601 });
  const session = new FakeSession();
  receiver.bind(new LegacyPassThrough(new FakeServer(), session));
  await receiver.notify(LOG);
  assert.deepEqual(session.told, [LOG]);
});

Deno.test("ownerOf() tells certificates apart, and nothing else of the network", () => {
  const of = (address: string, fingerprint256?: string) =>
    ownerOf({
      transport: "http",
      address,
      ...(fingerprint256 && { tls: { altNames: [], fingerprint256 } }),
      header: () => undefined,
    });
  assert.equal(of("a:1"), of("b:2"));
  assert.notEqual(of("a:1", "AA"), of("a:1", "BB"));
  assert.notEqual(of("a:1", "AA"), of("a:1"));
});
