import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import type { RequestInfo } from "../../../lib/core/connection.ts";
import { GeneralOutlet } from "../../../lib/session/outlet.ts";
import { ClientSession } from "../../../lib/session/session.ts";
import { FakeExchange } from "../../fixtures/fake_exchange.ts";
import { turn } from "../../fixtures/slow_peer.ts";

const OPTIONS = { askDeadlineMs: 1000, asksOpenMax: 10 };

function requestBy(fingerprint256?: string, transport = "http"): RequestInfo {
  const tls = fingerprint256 === undefined ? undefined : { altNames: [], fingerprint256 };
  return { transport, tls, address: "test", header: () => undefined };
}

Deno.test("belongsTo() holds for the transport and the certificate that opened the session", () => {
  const bare = new ClientSession("a", OPTIONS, requestBy());
  const certified = new ClientSession("b", OPTIONS, requestBy("AA:BB"));
  const connected = new ClientSession("c", OPTIONS);
  const requests = [requestBy(), requestBy("AA:BB"), requestBy("CC:DD"), requestBy("AA:BB", "x")];
  const owned = (session: ClientSession) => requests.map((request) => session.belongsTo(request));
  assert.deepEqual(owned(bare), [true, false, false, false]);
  assert.deepEqual(owned(certified), [false, true, false, false]);
  assert.deepEqual(owned(connected), [false, false, false, false]);
  for (const session of [bare, certified, connected]) session.end();
});

Deno.test("notify() waits for a general stream, and nothing is lost between two of them", async () => {
  const session = new ClientSession("a", OPTIONS, requestBy());
  session.listen(new GeneralOutlet(session.streams, { sent: () => {} }));
  const tell = (n: number) => session.notify(notification("notifications/message", { n }));
  await tell(1);
  assert.equal(session.listening, false);
  const [first, second] = [new FakeExchange(), new FakeExchange()];
  session.streams.general.carry(first);
  await tell(2);
  assert.equal(session.listening, true);
  first.leave();
  await turn();
  await tell(3);
  session.streams.general.carry(second);
  await tell(4);
  assert.deepEqual(first.events, ["1=1", "2=2"]);
  assert.deepEqual(second.events, ["3=3", "4=4"]);
  session.end();
  assert.ok(second.end!.retryMs! >= 3000);
});
