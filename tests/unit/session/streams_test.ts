import assert from "node:assert/strict";
import { notification, result } from "../../../lib/core/compose.ts";
import { LogBudget } from "../../../lib/core/event_log.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import { STREAM_KEPT_MS } from "../../../lib/core/limits.ts";
import { SessionStreams } from "../../../lib/session/streams.ts";
import { FakeExchange } from "../../fixtures/fake_exchange.ts";
import { turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("notifications/message", { n });
const ANSWER = result(new TextEncoder().encode("1"), {});

function streamsOf(protocolVersion?: string, budget = new LogBudget(1 << 24)): SessionStreams {
  return new SessionStreams({ protocolVersion }, budget);
}

function isNotFound(error: unknown): boolean {
  return error instanceof GatewayError && error.status === 404;
}

Deno.test("primes holds for 2025-11-25 and later", () => {
  const primes = [undefined, "2025-03-26", "2025-06-18", "2025-11-25"]
    .map((version) => streamsOf(version).primes);
  assert.deepEqual(primes, [false, false, false, true]);
});

Deno.test("resume() finds the stream of an event and no other", async () => {
  const streams = streamsOf();
  const [one, other] = [streams.open(), streams.open()];
  for (const n of [1, 2]) await one.send(note(n));
  await other.send(note(9));
  const exchange = new FakeExchange();
  streams.resume(exchange, `${one.id}_1`);
  await turn();
  assert.deepEqual(exchange.events, ["2=2"]);
  const ids = ["", "_", "_1", one.id, `${one.id}_`, `${one.id}_3`, `${one.id}_-1`, `${one.id}_1.5`];
  const foreign = streamsOf().open().id;
  for (const id of [...ids, `${foreign}_0`]) {
    assert.throws(() => streams.resume(new FakeExchange(), id), isNotFound, id);
  }
});

Deno.test("resume() answers 204 to a client that has everything", () => {
  const streams = streamsOf();
  const stream = streams.open();
  stream.end(ANSWER);
  const exchange = new FakeExchange();
  streams.resume(exchange, `${stream.id}_1`);
  assert.equal(exchange.status, 204);
});

Deno.test("resume() answers 204 to a client that comes back to a cancelled call", async () => {
  const budget = new LogBudget(1 << 20);
  const streams = streamsOf(undefined, budget);
  const stream = streams.open();
  const carrier = new FakeExchange();
  stream.carry(carrier);
  await stream.send(note(1));
  streams.cancel(stream);
  assert.deepEqual([carrier.gone, carrier.end?.retryMs, budget.heldBytes], [true, undefined, 0]);
  const exchange = new FakeExchange();
  streams.resume(exchange, `${stream.id}_1`);
  assert.equal(exchange.status, 204);
});

Deno.test("sweep() forgets streams that ended long ago, and those whose log was needed", async () => {
  const budget = new LogBudget(1000);
  const streams = streamsOf(undefined, budget);
  const [open, ended] = [streams.open(), streams.open()];
  await open.send(note(1));
  ended.end(ANSWER);
  streams.sweep(ended.endedMs! + STREAM_KEPT_MS);
  streams.resume(new FakeExchange(), `${ended.id}_0`);
  await turn();
  streams.sweep(ended.endedMs! + STREAM_KEPT_MS + 1);
  assert.throws(() => streams.resume(new FakeExchange(), `${ended.id}_0`), isNotFound);
  streams.resume(new FakeExchange(), `${open.id}_0`);
  const crowded = streams.open();
  crowded.end(ANSWER);
  for (let n = 0; n < 5; n++) await open.send(note(n));
  assert.equal(crowded.isForgotten, true);
  streams.sweep(0);
  assert.throws(() => streams.resume(new FakeExchange(), `${crowded.id}_0`), isNotFound);
});

Deno.test("close() ends all streams and frees what they hold", async () => {
  const budget = new LogBudget(1 << 20);
  const streams = streamsOf(undefined, budget);
  const exchange = new FakeExchange();
  streams.general.carry(exchange);
  await streams.general.send(note(1));
  await streams.open().send(note(2));
  assert.ok(budget.heldBytes > 0);
  streams.close();
  await turn();
  assert.equal(exchange.gone, true);
  assert.equal(budget.heldBytes, 0);
});
