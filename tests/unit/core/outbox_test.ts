import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { Outbox } from "../../../lib/core/outbox.ts";
import { slowPeer, turn } from "../../fixtures/slow_peer.ts";

const note = (n: number) => notification("x", { n });

Deno.test("push() sends all messages of a turn as one batch", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection);
  for (let n = 0; n < 5; n++) outbox.push(note(n));
  await turn();
  assert.deepEqual(peer.batches.map((batch) => batch.length), [5]);
  outbox.push(note(5));
  outbox.push(note(6));
  await turn();
  assert.equal(peer.batches.length, 1);
  await peer.takeOne();
  assert.deepEqual(peer.batches.map((batch) => batch.length), [5, 2]);
  await peer.takeOne();
  await outbox.close();
});

Deno.test("one message of any size is admitted to an empty outbox", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection, { bufferBytesMax: 10 });
  assert.equal(outbox.full, false);
  outbox.push(note(1));
  assert.equal(outbox.full, true);
  await turn();
  await peer.takeOne();
  assert.equal(outbox.full, false);
  await outbox.close();
});

Deno.test("ready() and admit() wait for room, first come first served", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection, { bufferMessagesMax: 1 });
  outbox.push(note(0));
  outbox.push(note(1));
  const admitted: number[] = [];
  const waiting = [2, 3, 4].map((n) => outbox.admit(note(n))!.then(() => admitted.push(n)));
  let ready = false;
  const readied = outbox.ready().then(() => ready = true);
  await turn();
  assert.deepEqual(admitted, []);
  assert.equal(ready, false);
  while (admitted.length < 3) await peer.takeOne();
  assert.deepEqual(admitted, [2, 3, 4]);
  await peer.takeOne();
  await Promise.all([...waiting, readied]);
  const sent = peer.batches.flat().map((message) => message.json().params.n);
  assert.deepEqual(sent, [0, 1, 2, 3, 4]);
  await outbox.close();
});

Deno.test("admit() fails with Overloaded when the wait is too long or the line is full", async () => {
  const clock = FakeTimers.install();
  try {
    const peer = slowPeer();
    const outbox = new Outbox(peer.connection, {
      bufferMessagesMax: 0,
      queueMessagesMax: 1,
      admissionWaitMs: 500,
    });
    outbox.push(note(0));
    const first = outbox.admit(note(1))!;
    await assert.rejects(outbox.admit(note(2))!, { failure: "Overloaded" });
    const refused = assert.rejects(first, { failure: "Overloaded" });
    clock.tick(600);
    await refused;
    await peer.takeOne();
    await outbox.close();
    assert.equal(peer.batches.flat().length, 1);
  } finally {
    clock.uninstall();
  }
});

Deno.test("a peer that takes nothing is aborted", async () => {
  const clock = FakeTimers.install();
  try {
    const peer = slowPeer();
    const outbox = new Outbox(peer.connection, { writeStallMs: 1000 });
    outbox.push(note(0));
    await turn();
    clock.tick(900);
    assert.equal(peer.aborted.length, 0);
    clock.tick(200);
    assert.equal(peer.aborted[0].failure, "Overloaded");
    assert.equal(outbox.failed, true);
  } finally {
    clock.uninstall();
  }
});

Deno.test("isUnsent() tells what was never handed over when the connection breaks", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection);
  const [sent, unsent] = [note(0), note(1)];
  outbox.push(sent);
  await turn();
  outbox.push(unsent);
  peer.fail(new Error("gone"));
  await turn();
  assert.equal(outbox.failed, true);
  assert.equal(outbox.isUnsent(sent), false);
  assert.equal(outbox.isUnsent(unsent), true);
  await outbox.ready();
  await outbox.close();
});

Deno.test("full lasts until the low watermark, by messages and by bytes", async () => {
  const limits = [{ bufferMessagesMax: 10 }, { bufferBytesMax: 10 * note(0).bytes.length }];
  for (const options of limits) {
    const peer = slowPeer();
    const outbox = new Outbox(peer.connection, options);
    outbox.push(note(0));
    await turn();
    for (let n = 1; n <= 9; n++) outbox.push(note(n));
    assert.equal(outbox.full, false, "ten are no more than the limit");
    outbox.push(note(9));
    assert.equal(outbox.full, true);
    let isReady = false;
    const readied = outbox.ready().then(() => isReady = true);
    await peer.takeOne();
    assert.equal(
      outbox.full,
      true,
      "ten still wait, which would be room enough without hysteresis",
    );
    for (let n = 1; n <= 3; n++) outbox.push(note(n));
    assert.equal(isReady, false);
    await peer.takeOne();
    assert.equal(outbox.full, false, "three are the low watermark");
    await readied;
    await peer.takeOne();
    await outbox.close();
  }
});

Deno.test("a message pushed after the connection broke is dropped and leaves nothing full", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection, { bufferMessagesMax: 1 });
  for (let n = 0; n < 5; n++) outbox.push(note(n));
  await turn();
  peer.fail(new Error("gone"));
  await turn();
  outbox.push(note(5));
  assert.equal(outbox.admit(note(6)), undefined);
  assert.equal(outbox.full, false);
  await outbox.ready();
  await outbox.close();
});

Deno.test("below() waits until no more than so many bytes wait, or the connection breaks", async () => {
  const peer = slowPeer();
  const outbox = new Outbox(peer.connection);
  const { length } = note(0).bytes;
  outbox.push(note(0));
  await turn(); // being written
  outbox.push(note(1));
  assert.equal(outbox.waitingBytes, 2 * length);
  const seen: string[] = [];
  const one = outbox.below(length).then(() => seen.push("one"));
  const none = outbox.below(0).then(() => seen.push("none"));
  await turn();
  assert.deepEqual(seen, []);
  await peer.takeOne();
  await one;
  assert.deepEqual(seen, ["one"]);
  peer.fail(new Error("gone"));
  await none;
  await outbox.close();
});
