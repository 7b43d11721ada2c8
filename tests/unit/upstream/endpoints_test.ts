import assert from "node:assert/strict";
import type { Connection } from "../../../lib/core/connection.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { DialledConnection } from "../../../lib/upstream/connection_watch.ts";
import { endpointScene, OPTIONS } from "./endpoint_scene.ts";

const signal = new AbortController().signal;

/** Connects, and closes the connection again. */
async function dialOnce(it: ReturnType<typeof endpointScene>): Promise<void> {
  await closed(await it.set.dial(signal));
}

async function closed(connection: Connection): Promise<void> {
  await connection[Symbol.asyncDispose]();
}

/** A question over a connection that ends so. */
function asked({ watch }: DialledConnection, error?: GatewayError): void {
  const permit = watch!.begin();
  if (error === undefined) permit.succeeded();
  else watch!.failed(permit, error);
}

const timeout = () => new GatewayError("UpstreamTimeout", "late");
const lost = () =>
  new GatewayError("UpstreamUnavailable", "lost", { data: { outcome: "unknown" } });

Deno.test("EndpointSet dials the first of the list, and the next at once when that is down", async () => {
  using it = endpointScene("a", "b", "c");
  await dialOnce(it);
  it.down.add("a").add("b");
  await dialOnce(it);
  assert.deepEqual(it.dialled, ["a", "a", "b", "c"]);
  assert.deepEqual(it.switches, ["a c lost"]);
});

Deno.test("EndpointSet stays where it is, and tries those in doubt last", async () => {
  using it = endpointScene("a", "b");
  it.down.add("a");
  await dialOnce(it);
  it.down.delete("a");
  it.down.add("b");
  await dialOnce(it);
  assert.deepEqual(it.dialled, ["a", "b", "b", "a"]);
  assert.deepEqual(it.switches, ["b a lost"]);
});

Deno.test("EndpointSet fails when nothing can be reached, and refuses once all circuits are open", async () => {
  using it = endpointScene("a", "b");
  it.down.add("a").add("b");
  for (let i = 0; i < 3; i++) await assert.rejects(it.set.dial(signal), /is down/);
  assert.equal(it.dialled.length, 6);
  await assert.rejects(it.set.dial(signal), { failure: "NoHealthyUpstream", status: 503 });
  assert.equal(it.dialled.length, 6);
  const refusal = it.set.refusal()!;
  assert.deepEqual(refusal.headers, { "retry-after": "5" });
  it.clock.tick(5000);
  assert.equal(it.set.refusal(), undefined);
});

Deno.test("EndpointSet lets one connection through as a probe, and its first question decides", async () => {
  using it = endpointScene("a");
  it.down.add("a");
  for (let i = 0; i < 3; i++) await assert.rejects(it.set.dial(signal));
  it.clock.tick(5000);
  it.down.delete("a");
  const probe = await it.set.dial(signal);
  await assert.rejects(it.set.dial(signal), { failure: "NoHealthyUpstream" });
  assert.equal(it.endpoints[0].circuit.state, "halfOpen");
  asked(probe);
  assert.equal(it.endpoints[0].circuit.state, "closed");
  await closed(probe);
});

Deno.test("EndpointSet counts a connection that nobody used as nothing", async () => {
  using it = endpointScene("a");
  it.down.add("a");
  for (let i = 0; i < 3; i++) await assert.rejects(it.set.dial(signal));
  it.clock.tick(5000);
  it.down.delete("a");
  await dialOnce(it);
  const again = await it.set.dial(signal);
  assert.equal(it.endpoints[0].circuit.state, "halfOpen");
  await closed(again);
});

Deno.test("EndpointSet counts a lost connection once, however many questions were open", async () => {
  using it = endpointScene("a");
  const connection = await it.set.dial(signal);
  const permits = Array.from({ length: 100 }, () => connection.watch!.begin());
  for (const permit of permits) connection.watch!.failed(permit, lost());
  assert.equal(it.endpoints[0].circuit.state, "closed");
  for (let i = 0; i < 2; i++) asked(connection, timeout());
  assert.equal(it.endpoints[0].circuit.state, "open");
  await closed(connection);
});

Deno.test("EndpointSet keeps calls away from an open circuit only where there is another way", async () => {
  for (const names of [["a"], ["a", "b"]]) {
    using it = endpointScene(...names);
    const connection = await it.set.dial(signal);
    for (let i = 0; i < 3; i++) asked(connection, timeout());
    assert.equal(connection.watch!.usable, names.length === 1);
    assert.throws(() => connection.watch!.begin(), { failure: "NoHealthyUpstream" });
    await closed(connection);
  }
});

Deno.test("EndpointSet blames nobody for cancelled calls and full buffers", async () => {
  using it = endpointScene("a");
  const connection = await it.set.dial(signal);
  for (const failure of ["InternalError", "Overloaded", "NoHealthyUpstream"] as const) {
    for (let i = 0; i < 10; i++) asked(connection, new GatewayError(failure, "x"));
  }
  assert.equal(it.endpoints[0].circuit.state, "closed");
  await closed(connection);
});

/** On `b`, with `a` found well for so long. */
async function movedAway(it: ReturnType<typeof endpointScene>, goodForMs: number) {
  await dialOnce(it);
  it.down.add("a");
  const connection = await it.set.dial(signal);
  it.down.delete("a");
  it.endpoints[0].noteBack();
  it.endpoints[0].noteGood();
  it.endpoints[1].noteGood();
  it.clock.tick(goodForMs);
  let moves = 0;
  connection.watch!.onSuperseded = () => moves++;
  it.set.reconsider();
  return { connection, moves: () => moves };
}

Deno.test("EndpointSet moves back once the better endpoint was well for a while and the time has come", async () => {
  using it = endpointScene("a", "b");
  const { connection, moves } = await movedAway(it, OPTIONS.switchMs - 1);
  assert.equal(moves(), 0);
  it.clock.tick(1);
  it.set.reconsider();
  assert.equal(moves(), 0);
  assert.equal(it.set.candidate(), it.endpoints[0]);
  it.endpoints[0].noteGood(); // asked once more before anybody moves
  it.set.reconsider();
  assert.equal(moves(), 1);
  assert.deepEqual(it.switches, ["a b lost", "b a better"]);
  it.set.reconsider();
  assert.equal(moves(), 1);
  await closed(connection);
});

Deno.test("EndpointSet does not move to an endpoint that has just failed again", async () => {
  using it = endpointScene("a", "b");
  const { connection, moves } = await movedAway(it, OPTIONS.switchMs - 1);
  it.endpoints[0].noteBad();
  it.endpoints[0].noteGood();
  it.clock.tick(OPTIONS.steadyMs - 1);
  it.endpoints[0].noteGood();
  it.set.reconsider();
  assert.equal(moves(), 0);
  await closed(connection);
});

Deno.test("EndpointSet asks no more than 50 connections to move at once", async () => {
  using it = endpointScene("a", "b");
  const { connection } = await movedAway(it, 0);
  const others: DialledConnection[] = [];
  let moves = 0;
  for (let i = 0; i < 120; i++) {
    const other = await it.set.dial(signal);
    other.watch!.onSuperseded = () => moves++;
    others.push(other);
  }
  it.clock.tick(OPTIONS.switchMs);
  it.endpoints[0].noteGood();
  it.set.reconsider();
  assert.equal(moves, 49); // and the one that was there before
  for (const one of [connection, ...others]) await closed(one);
});
