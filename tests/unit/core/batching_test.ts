import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import type { Batching } from "../../../lib/core/batching.ts";
import { Outbox, type OutboxOptions } from "../../../lib/core/outbox.ts";
import { slowPeer, turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("x", { n });

/** Holds messages back for what is left of 10 ms, and writes down what it is told. */
class RecordingBatching implements Batching {
  readonly countMax: number = 5;
  readonly bytesMax: number = 1000;
  readonly flushes: [queueDepth: number, heldFrom: number][] = [];
  delayFor(_queueDepth: number, msSinceLastFlush: number): number {
    return Math.max(0, 10 - msSinceLastFlush);
  }
  flushed(queueDepth: number, heldFrom: number): void {
    this.flushes.push([queueDepth, heldFrom]);
  }
}

async function withClock(
  check: (parts: {
    clock: FakeTimers.Clock;
    peer: ReturnType<typeof slowPeer>;
    outbox: Outbox;
    batching: RecordingBatching;
    sizes: () => number[];
  }) => Promise<void>,
  options: Partial<OutboxOptions> = {},
): Promise<void> {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const peer = slowPeer();
    const batching = new RecordingBatching();
    const outbox = new Outbox(peer.connection, { batching: () => batching, ...options });
    const sizes = () => peer.batches.map((batch) => batch.length);
    await check({ clock, peer, outbox, batching, sizes });
    const closing = outbox.close();
    while (!outbox.failed && sizes().length > 0) await peer.takeOne();
    await closing;
  } finally {
    clock.uninstall();
  }
}

Deno.test("an idle line writes in this turn, a busy one when the delay is over", async () => {
  await withClock(async ({ clock, peer, outbox, batching, sizes }) => {
    outbox.push(note(0));
    await turn();
    assert.deepEqual(sizes(), [1]);
    await peer.takeOne();
    clock.tick(4);
    outbox.push(note(1));
    outbox.push(note(2));
    await turn();
    outbox.push(note(3));
    await turn();
    clock.tick(5);
    await turn();
    assert.deepEqual(sizes(), [1]);
    clock.tick(1);
    await turn();
    assert.deepEqual(sizes(), [1, 3]);
    assert.deepEqual(batching.flushes, [[1, 0], [3, 2]]);
    await peer.takeOne();
    clock.tick(10);
    outbox.push(note(4));
    await turn();
    assert.deepEqual(sizes(), [1, 3, 1]);
  });
});

Deno.test("a complete batch does not wait: by count, and by bytes", async () => {
  await withClock(async ({ peer, outbox, sizes }) => {
    outbox.push(note(0));
    await turn();
    await peer.takeOne();
    for (let n = 0; n < 4; n++) outbox.push(note(n));
    await turn();
    assert.deepEqual(sizes(), [1]);
    outbox.push(note(4));
    await turn();
    assert.deepEqual(sizes(), [1, 5]);
    await peer.takeOne();
    outbox.push(notification("x", { text: "x".repeat(1000) }));
    await turn();
    assert.deepEqual(sizes(), [1, 5, 1]);
  });
});

Deno.test("one write holds no more than the limits, and the rest follows without delay", async () => {
  await withClock(async ({ peer, outbox, sizes }) => {
    for (let n = 0; n < 12; n++) outbox.push(note(n));
    await turn();
    await peer.takeOne();
    assert.deepEqual(sizes(), [5, 5]);
    for (let n = 12; n < 15; n++) outbox.push(note(n));
    await peer.takeOne();
    assert.deepEqual(sizes(), [5, 5, 5]);
    const text = "x".repeat(400);
    for (let n = 0; n < 3; n++) outbox.push(notification("x", { text }));
    await peer.takeOne();
    assert.deepEqual(sizes(), [5, 5, 5, 2]);
    const sent = peer.batches.flat().slice(0, 15).map((message) => message.json().params.n);
    assert.deepEqual(sent, Array.from({ length: 15 }, (_, n) => n));
  });
});

Deno.test("close() writes what is held at once", async () => {
  await withClock(async ({ peer, outbox, sizes }) => {
    outbox.push(note(0));
    await turn();
    await peer.takeOne();
    outbox.push(note(1));
    await turn();
    assert.deepEqual(sizes(), [1]);
    const closing = outbox.close();
    await turn();
    assert.deepEqual(sizes(), [1, 1]);
    await peer.takeOne();
    await closing;
  });
});

Deno.test("a connection that breaks while messages are held leaves no timer", async () => {
  await withClock(async ({ clock, peer, outbox }) => {
    outbox.push(note(0));
    await turn();
    await peer.takeOne();
    outbox.push(note(1));
    await turn();
    assert.ok(clock.countTimers() > 0);
    await peer.connection.writable.abort().catch(() => {}); // locked to the outbox
    const closing = outbox.close();
    await turn();
    peer.fail(new Error("gone"));
    await closing;
    assert.equal(clock.countTimers(), 0);
    assert.equal(outbox.failed, true);
  });
});
