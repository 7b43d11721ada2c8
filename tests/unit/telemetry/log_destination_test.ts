import assert from "node:assert/strict";
import { LogDestination } from "../../../lib/telemetry/log_destination.ts";
import { FakeDropCounter, FakeSink } from "./fake_sink.ts";

Deno.test("write() keeps one write in flight and joins what comes meanwhile", async () => {
  const sink = new FakeSink();
  const destination = new LogDestination({ sink });
  for (let i = 0; i < 5; i++) destination.write(`${i}\n`);
  await destination.flush();
  assert.equal(sink.text, "0\n1\n2\n3\n4\n");
  assert.equal(sink.writes, 2);
});

Deno.test("write() goes on where a short write stopped", async () => {
  const sink = new FakeSink();
  sink.takesBytes = 3;
  const destination = new LogDestination({ sink });
  destination.write("h\u00e9llo \ud83d\ude00\n");
  destination.write("world\n");
  await destination.flush();
  assert.equal(sink.text, "h\u00e9llo \ud83d\ude00\nworld\n");
});

Deno.test("write() drops and counts what does not fit, and tells afterwards", async () => {
  const sink = new FakeSink();
  const dropped = new FakeDropCounter();
  const gaps: number[] = [];
  const destination = new LogDestination({
    sink,
    dropped,
    pendingCharsMax: 20,
    onGap: (lines) => gaps.push(lines),
  });
  const release = sink.hold();
  for (let i = 0; i < 10; i++) destination.write(`line ${i}\n`); // 7 each; 1 in flight, 2 wait
  assert.equal(dropped.total, 7);
  release();
  await destination.flush();
  assert.equal(sink.text, "line 0\nline 1\nline 2\n");
  assert.deepEqual(gaps, [7]);
});

Deno.test("write() drops for a while after a failure, then goes on and tells the gap once", async () => {
  const sink = new FakeSink();
  const dropped = new FakeDropCounter();
  const gaps: number[] = [];
  let nowMs = 0;
  const destination = new LogDestination({
    sink,
    dropped,
    retryAfterMs: 1000,
    onGap: (lines) => gaps.push(lines),
    nowMs: () => nowMs,
  });
  sink.failure = new Error("ENOSPC");
  destination.write("a\n");
  destination.write("b\n");
  await destination.flush();
  destination.write("c\n");
  assert.equal(sink.writes, 1);
  assert.equal(dropped.total, 3);
  sink.failure = undefined;
  nowMs = 1000;
  destination.write("d\n");
  destination.write("e\n");
  await destination.flush();
  assert.equal(sink.text, "d\ne\n");
  assert.deepEqual(gaps, [3]);
  assert.equal(dropped.total, 3);
});

Deno.test("write() counts finished lines of a broken write and starts anew after a torn one", async () => {
  let nowMs = 0;
  const written: string[] = [];
  let calls = 0;
  const dropped = new FakeDropCounter();
  const release = Promise.withResolvers<void>();
  const destination = new LogDestination({
    dropped,
    nowMs: () => nowMs,
    sink: {
      async write(bytes) {
        await release.promise;
        calls++;
        if (calls === 3 || calls === 4) throw new Error("ENOSPC");
        const taken = calls === 2 ? bytes.subarray(0, 6) : bytes; // "bb\n" and a torn "cc\n"
        written.push(new TextDecoder().decode(taken));
        return taken.length;
      },
    },
  });
  for (const line of ["aa\n", "bb\n", "cccc\n", "dd\n"]) destination.write(line);
  release.resolve();
  await destination.flush();
  assert.equal(dropped.total, 2);
  nowMs = 1000;
  destination.write("ee\n"); // fails at once: still torn
  await destination.flush();
  assert.equal(dropped.total, 3);
  nowMs = 2000;
  destination.write("ff\n");
  await destination.flush();
  assert.equal(written.join(""), "aa\nbb\nccc\nff\n");
});

Deno.test("flush() ends at its deadline when nobody reads", async () => {
  const sink = new FakeSink();
  const release = sink.hold();
  const destination = new LogDestination({ sink });
  destination.write("a\n");
  await destination.flush(1);
  assert.equal(sink.text, "");
  release();
  await destination.flush();
  assert.equal(sink.text, "a\n");
});

Deno.test("write() treats a sink that takes nothing as broken", async () => {
  const dropped = new FakeDropCounter();
  const sink = { write: () => Promise.resolve(0) };
  const destination = new LogDestination({ sink, dropped });
  destination.write("a\n");
  await destination.flush();
  assert.equal(dropped.total, 1);
});
