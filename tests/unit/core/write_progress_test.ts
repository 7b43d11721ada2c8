import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { notification } from "../../../lib/core/compose.ts";
import { Outbox } from "../../../lib/core/outbox.ts";
import type { ByteSink } from "../../../lib/framing/bytes.ts";
import { framed } from "../../../lib/framing/framed.ts";
import { newline } from "../../../lib/framing/newline.ts";
import { connectionOf, turn } from "../../fixtures/slow_peer.ts";

const MIB = 1024 * 1024;
const STALL_MS = 10_000;

/** A sink that takes so many bytes a second, if any. */
class SlowSink implements ByteSink {
  takenBytes = 0;
  readonly pieces: number[] = [];
  bytesPerSecond: number;
  #reject: ((reason: unknown) => void) | undefined;
  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }
  write(chunk: Uint8Array): Promise<void> {
    this.pieces.push(chunk.length);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.bytesPerSecond === 0) return;
      setTimeout(() => {
        this.takenBytes += chunk.length;
        resolve();
      }, 1000 * chunk.length / this.bytesPerSecond);
    });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  abort(reason: unknown): void {
    this.#reject?.(reason);
  }
}

function outboxOver(sink: ByteSink) {
  const source = { read: () => Promise.resolve(null), cancel: () => {} };
  const streams = framed(source, sink, newline({ messageBytesMax: 8 * MIB }), {
    bufferBytesMax: MIB,
  });
  const { connection, aborted } = connectionOf(streams.writable);
  return { outbox: new Outbox(connection, { writeStallMs: STALL_MS }), aborted };
}

const large = notification("x", { text: "x".repeat(4 * MIB) });

async function pass(clock: FakeTimers.Clock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    await clock.tickAsync(100);
    await turn();
  }
}

Deno.test("a slow but steady reader of 4 MiB is not cut, though it takes minutes", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const sink = new SlowSink(16 * 1024);
    const { outbox, aborted } = outboxOver(sink);
    outbox.push(large);
    await pass(clock, 270_000);
    assert.equal(aborted.length, 0);
    assert.equal(sink.takenBytes, large.bytes.length + 1);
    assert.ok(sink.pieces.every((length) => length <= 64 * 1024));
    await outbox.close();
  } finally {
    clock.uninstall();
  }
});

Deno.test("a reader that stops in the middle of 4 MiB is cut after the time allowed", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const sink = new SlowSink(64 * 1024);
    const { outbox, aborted } = outboxOver(sink);
    outbox.push(large);
    await pass(clock, 20_000);
    assert.equal(aborted.length, 0);
    sink.bytesPerSecond = 0;
    await pass(clock, STALL_MS - 1000);
    assert.equal(aborted.length, 0);
    await pass(clock, 1000 + STALL_MS / 2);
    assert.equal(aborted[0]?.failure, "Overloaded");
    assert.equal(outbox.failed, true);
    await outbox.close();
  } finally {
    clock.uninstall();
  }
});

Deno.test("the watch lapses when nothing is being written", async () => {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  try {
    const { outbox, aborted } = outboxOver(new SlowSink(MIB));
    outbox.push(notification("x"));
    await pass(clock, 1000);
    await pass(clock, 2 * STALL_MS);
    assert.equal(clock.countTimers(), 0);
    assert.equal(aborted.length, 0);
    await outbox.close();
  } finally {
    clock.uninstall();
  }
});
