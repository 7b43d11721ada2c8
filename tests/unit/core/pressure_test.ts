import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { Outbox } from "../../../lib/core/outbox.ts";
import type { PressureState } from "../../../lib/core/pressure.ts";
import { Backpressure, type BackpressureOptions } from "../../../lib/framing/backpressure.ts";
import { slowPeer, turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("x", { n });
const size = note(0).bytes.length;

function watched(options: Partial<BackpressureOptions> = {}) {
  const peer = slowPeer();
  const states: PressureState[] = [];
  const bufferBytesMax = 10 * size;
  const pressure = new Backpressure({
    bufferBytesMax,
    onPressure: (state) => states.push(state),
    ...options,
  });
  const outbox = new Outbox(peer.connection, { bufferBytesMax, pressure: () => pressure });
  const push = (count: number) => {
    for (let n = 0; n < count; n++) outbox.push(note(0));
  };
  return { peer, states, pressure, outbox, push };
}

Deno.test("an outbox tells its watcher what waits and what has left", async () => {
  const { peer, states, outbox, push } = watched();
  push(8);
  await turn();
  assert.deepEqual(states, []);
  push(1);
  assert.deepEqual(states, ["backing_up"]);
  push(4);
  assert.deepEqual(states, ["backing_up", "blocked"]);
  await peer.takeOne();
  assert.equal(outbox.full, true, "five of ten are above the low watermark");
  await peer.takeOne();
  assert.deepEqual(states, ["backing_up", "blocked", "flowing"]);
  assert.equal(outbox.full, false);
  await outbox.close();
});

Deno.test("ready() pauses above the high watermark for what the rule says", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { peer, outbox, push } = watched({ delayRule: () => 50 });
    push(9);
    assert.equal(outbox.full, true);
    assert.equal(outbox.admit(note(9)), undefined, "there is room, and a place in line costs more");
    let isReady = false;
    const readied = outbox.ready().then(() => isReady = true);
    await turn();
    clock.tick(49);
    await turn();
    assert.equal(isReady, false);
    clock.tick(1);
    await readied;
    await peer.takeOne();
    await outbox.close();
  } finally {
    clock.uninstall();
  }
});

Deno.test("ready() ends its pause when the peer has caught up, or has gone", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    for (const end of ["takeOne", "fail"] as const) {
      const { peer, outbox, push } = watched({ delayRule: () => 50 });
      push(9);
      await turn();
      const readied = outbox.ready();
      await peer[end](new Error("gone"));
      await readied;
      await outbox.close();
      assert.equal(clock.countTimers(), 0);
    }
  } finally {
    clock.uninstall();
  }
});

Deno.test("a prediction blocks work for a peer that something waits for, and no other", async () => {
  const { peer, pressure, outbox, push } = watched({ mode: "adaptive" });
  pressure.observe({
    queueDepth: 100,
    queueDepthMax: 100,
    arrivedPerSecond: 100,
    sentPerSecond: 0,
    latencyMs: 100,
    usualLatencyMs: 1,
    errorRate: 0,
  });
  assert.equal(outbox.full, false);
  push(1);
  await turn();
  assert.equal(outbox.full, true);
  const admitted = outbox.admit(note(1));
  assert.ok(admitted instanceof Promise);
  await peer.takeOne();
  await admitted;
  assert.equal(peer.batches.flat().length, 2);
  await peer.takeOne();
  await outbox.ready();
  await outbox.close();
});
