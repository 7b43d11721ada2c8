import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { monotonicMs } from "../../../../lib/core/clock.ts";
import { FirstMessageWatch } from "../../../../transports/guard/first_message_watch.ts";

class FakeSocket {
  bytesRead = 0;
  isDestroyed = false;
  destroy(): void {
    this.isDestroyed = true;
  }
}

function watched() {
  const watch = new FirstMessageWatch({ silenceMs: 10, totalMs: 30 });
  const fake = new FakeSocket();
  const socket = fake as unknown as Socket;
  watch.add(socket);
  return { watch, fake, socket, startMs: monotonicMs() };
}

Deno.test("FirstMessageWatch.sweep() destroys who is silent for too long", () => {
  const { watch, fake, startMs } = watched();
  assert.equal(watch.sweep(startMs + 5), 0);
  assert.equal(watch.sweep(startMs + 10), 1);
  assert.ok(fake.isDestroyed);
  assert.equal(watch.sweep(startMs + 100), 0);
});

Deno.test("FirstMessageWatch.sweep() gives who drips more time, but not for ever", () => {
  const { watch, fake, startMs } = watched();
  for (let ms = 5; ms < 30; ms += 5) {
    fake.bytesRead++;
    assert.equal(watch.sweep(startMs + ms), 0);
  }
  fake.bytesRead++;
  assert.equal(watch.sweep(startMs + 30), 1);
});

Deno.test("FirstMessageWatch.forget() leaves a connection in peace", () => {
  const { watch, fake, socket, startMs } = watched();
  watch.forget(socket);
  assert.equal(watch.sweep(startMs + 100), 0);
  assert.ok(!fake.isDestroyed);
});
