import assert from "node:assert/strict";
import { OpenedStreams } from "../../../../transports/http2/opened_streams.ts";

Deno.test("OpenedStreams takes streams in the order in which they were opened", () => {
  const streams = new OpenedStreams();
  for (const stream of [1, 3, 5]) streams.open(stream);
  streams.settle(3); // refused
  streams.take();
  assert.deepEqual([1, 3, 5].map((stream) => streams.isUntaken(stream)), [false, false, true]);
  streams.take();
  streams.take();
  assert.equal(streams.isUntaken(5), false);
});

Deno.test("OpenedStreams says once whether a stream was waiting for its answer", () => {
  const streams = new OpenedStreams();
  for (const stream of [1, 3]) streams.open(stream);
  assert.deepEqual([streams.settle(1), streams.cancel(1)], [true, false]);
  assert.deepEqual([streams.cancel(3), streams.settle(3)], [true, false]);
});

Deno.test("OpenedStreams forgets the oldest of too many that nobody takes", () => {
  const streams = new OpenedStreams();
  for (let stream = 1; stream <= 2001; stream += 2) streams.open(stream);
  assert.deepEqual([streams.isUntaken(1), streams.isUntaken(3)], [false, true]);
});
