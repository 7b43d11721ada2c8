import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import { LogBudget } from "../../../lib/core/event_log.ts";
import { STREAM_EVENTS_MAX } from "../../../lib/core/limits.ts";
import { Stream } from "../../../lib/session/stream.ts";
import { FakeExchange } from "../../fixtures/fake_exchange.ts";
import { turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("notifications/message", { n });
const ANSWER = result(new TextEncoder().encode("1"), {});
const open = (primes = false) => new Stream(new LogBudget(1 << 24), () => primes);

Deno.test("send() waits in the log for a carrier, and reaches each exactly once", async () => {
  const stream = open();
  for (const n of [1, 2]) await stream.send(note(n));
  const first = new FakeExchange();
  stream.carry(first);
  await turn();
  await stream.send(note(3));
  assert.deepEqual(first.events, ["1=1", "2=2", "3=3"]);
  first.leave();
  await turn();
  assert.equal(stream.isCarried, false);
  await stream.send(note(4));
  const second = new FakeExchange();
  stream.carry(second);
  await turn();
  assert.deepEqual(second.events, ["4=4"]);
});

Deno.test("carry() goes on behind an event, and ends with the answer", async () => {
  const stream = open();
  const first = new FakeExchange();
  stream.carry(first);
  for (const n of [1, 2, 3]) await stream.send(note(n));
  const second = new FakeExchange();
  stream.carry(second, 1);
  assert.equal(first.gone, true);
  assert.ok(first.end!.retryMs! >= 3000);
  await stream.send(note(4));
  stream.end(ANSWER);
  await turn();
  assert.deepEqual(first.events, ["1=1", "2=2", "3=3"]);
  assert.deepEqual(second.events, ["2=2", "3=3", "4=4", "5=answer"]);
  assert.equal(second.end?.retryMs, undefined);
  assert.equal(stream.isOverAfter(5), true);
  const third = new FakeExchange();
  stream.carry(third, 4);
  await turn();
  assert.deepEqual([third.events, third.gone], [["5=answer"], true]);
});

Deno.test("end() leaves the answer in the log when the client has gone", async () => {
  const stream = open();
  const first = new FakeExchange();
  stream.carry(first);
  first.leave();
  await stream.send(note(1));
  stream.end(ANSWER);
  await stream.send(note(2)); // too late
  assert.equal(stream.knows(0), true);
  const second = new FakeExchange();
  stream.carry(second, 0);
  await turn();
  assert.deepEqual(second.events, ["1=1", "2=answer"]);
});

Deno.test("carry() primes only clients that take events without data", async () => {
  const [old, current] = [new FakeExchange(), new FakeExchange()];
  open(false).carry(old);
  const stream = open(true);
  stream.carry(current);
  await turn();
  assert.deepEqual([old.isOpened, old.events], [true, []]);
  assert.deepEqual(current.events, ["0=prime"]);
  await stream.send(note(1));
  const resumed = new FakeExchange();
  stream.carry(resumed, 1);
  assert.deepEqual(resumed.events, ["1=prime"]);
});

Deno.test("send() holds its caller while the client takes nothing, until another carrier comes", async () => {
  const stream = open();
  const slow = new FakeExchange();
  stream.carry(slow);
  await turn();
  slow.block();
  let hasRoom = false;
  void stream.send(note(1)).then(() => hasRoom = true);
  void stream.send(note(2));
  await turn();
  assert.equal(hasRoom, false);
  const quick = new FakeExchange();
  stream.carry(quick, 0);
  await turn();
  assert.equal(hasRoom, true);
  assert.deepEqual(quick.events, ["1=1", "2=2"]);
  assert.deepEqual(slow.events, []);
});

Deno.test("a carrier that fails is given up, and nothing of it is lost", async () => {
  const stream = open();
  const first = new FakeExchange();
  stream.carry(first);
  await turn();
  first.gone = true; // the connection has broken, and nobody was told yet
  await stream.send(note(1));
  const second = new FakeExchange();
  stream.carry(second);
  await turn();
  assert.deepEqual(second.events, ["1=1"]);
});

Deno.test("a carrier for which too much waits is ended, and learns what it lost when it resumes", async () => {
  const stream = open();
  const slow = new FakeExchange();
  stream.carry(slow);
  await stream.send(note(0));
  slow.block();
  for (let n = 1; n <= STREAM_EVENTS_MAX + 2; n++) void stream.send(note(n));
  slow.unblock();
  await turn();
  assert.ok(slow.end!.retryMs! >= 3000);
  assert.equal(stream.knows(1), false);
  assert.equal(stream.knows(3), true);
});

Deno.test("close() hands over what is left, and tells whether to come back", async () => {
  const stream = open();
  const exchange = new FakeExchange();
  stream.carry(exchange);
  await turn();
  exchange.block();
  for (const n of [1, 2]) void stream.send(note(n));
  stream.end(ANSWER);
  stream.close();
  assert.equal(stream.isForgotten, true);
  exchange.unblock();
  await turn();
  assert.deepEqual(exchange.events, ["1=1", "2=2", "3=answer"]);
  assert.equal(exchange.end?.retryMs, undefined);
  const [other, listener] = [open(), new FakeExchange()];
  other.carry(listener);
  other.close();
  assert.ok(listener.end!.retryMs! >= 3000);
});
