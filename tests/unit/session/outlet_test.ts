import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { LogBudget } from "../../../lib/core/event_log.ts";
import { STREAM_PRIMING_MS } from "../../../lib/core/limits.ts";
import { BatchOutlet, ExchangeOutlet } from "../../../lib/session/outlet.ts";
import { SessionStreams } from "../../../lib/session/streams.ts";
import { FakeExchange } from "../../fixtures/fake_exchange.ts";
import { turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("notifications/message", { n });
const ID = new TextEncoder().encode("1");
const ANSWER = result(ID, {});

function scene(protocolVersion = "2025-11-25") {
  const budget = new LogBudget(1 << 24);
  const streams = new SessionStreams({ protocolVersion }, budget);
  const exchange = new FakeExchange();
  const meter = { count: 0, sent: () => void meter.count++ };
  const outlet = new ExchangeOutlet(exchange, streams, meter, 0);
  return { budget, streams, exchange, meter, outlet };
}

Deno.test("answer() is a document and leaves nothing behind when nothing was streamed", () => {
  const { budget, exchange, meter, outlet } = scene();
  outlet.waitOn(STREAM_PRIMING_MS - 1);
  outlet.answer(ANSWER);
  assert.equal(exchange.document, ANSWER);
  assert.deepEqual([budget.heldBytes, meter.count, outlet.isStream], [0, 1, false]);
});

Deno.test("send() opens a stream that stays open when the client goes", async () => {
  const { exchange, outlet } = scene();
  await outlet.send(note(1));
  exchange.leave();
  await turn();
  assert.deepEqual([outlet.open, outlet.awaited], [true, true]);
  await outlet.send(note(2));
  outlet.answer(ANSWER);
  assert.equal(outlet.open, false);
  assert.deepEqual(exchange.events, ["0=prime", "1=1"]);
});

Deno.test("send() rejects, and opens nothing, when the client has gone before", async () => {
  const { budget, exchange, outlet } = scene();
  exchange.leave();
  await assert.rejects(outlet.send(note(1)));
  assert.deepEqual([outlet.open, outlet.isStream, budget.heldBytes], [false, false, 0]);
});

Deno.test("waitOn() opens the stream of a call that takes long, where the client takes events without data", async () => {
  const { streams, exchange, outlet } = scene();
  outlet.waitOn(STREAM_PRIMING_MS);
  outlet.waitOn(2 * STREAM_PRIMING_MS);
  await turn();
  assert.deepEqual(exchange.events, ["0=prime"]);
  exchange.leave();
  outlet.answer(ANSWER);
  const later = new FakeExchange();
  streams.resume(later, exchange.lastEventId!);
  await turn();
  assert.deepEqual(later.events, ["0=prime", "1=answer"]);
  const old = scene("2025-06-18");
  old.outlet.waitOn(STREAM_PRIMING_MS);
  assert.equal(old.outlet.isStream, false);
  const jsonOnly = scene();
  jsonOnly.exchange.streams = false;
  jsonOnly.outlet.waitOn(STREAM_PRIMING_MS);
  assert.equal(jsonOnly.outlet.isStream, false);
});

Deno.test("waitOn() tells an exchange without a stream how long its client waits", () => {
  const { exchange, outlet } = scene("2025-06-18");
  outlet.waitOn(1000);
  outlet.waitOn(2 * STREAM_PRIMING_MS);
  assert.deepEqual(exchange.waits, [1000, 2 * STREAM_PRIMING_MS]);
  const newer = scene();
  newer.outlet.waitOn(1000);
  newer.outlet.waitOn(STREAM_PRIMING_MS);
  newer.outlet.waitOn(2 * STREAM_PRIMING_MS);
  assert.deepEqual(newer.exchange.waits, [1000], "then its stream keeps it alive");
});

Deno.test("drop() ends a stream for good: a cancelled call has nothing to come back to", async () => {
  const { budget, exchange, outlet } = scene();
  await outlet.send(note(1));
  outlet.drop();
  await turn();
  assert.deepEqual([exchange.gone, exchange.end?.retryMs, budget.heldBytes], [true, undefined, 0]);
});

Deno.test("refuse() is a status before anything was streamed, and an event after it", async () => {
  const error = new GatewayError("RateLimited", "Cannot answer: too often");
  const before = scene();
  before.outlet.refuse(error, ID);
  assert.equal(before.exchange.status, 429);
  const after = scene("2025-06-18");
  await after.outlet.send(note(1));
  after.outlet.refuse(error, ID);
  await turn();
  assert.deepEqual(after.exchange.events, ["1=1", "2=answer"]);
});

Deno.test("a batch is one stream, which ends with the last answer", async () => {
  const { streams, exchange, meter } = scene("2025-03-26");
  const outlet = new BatchOutlet(exchange, streams, meter, 3);
  outlet.answer(ANSWER);
  outlet.drop();
  await turn();
  assert.equal(exchange.gone, false);
  outlet.answer(ANSWER);
  await turn();
  assert.deepEqual(exchange.events, ["1=answer", "2=answer"]);
  assert.equal(exchange.gone, true);
});
