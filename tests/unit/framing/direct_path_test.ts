import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import { TransportError } from "../../../lib/core/errors.ts";
import type { ByteSink, ByteSource } from "../../../lib/framing/bytes.ts";
import { framed } from "../../../lib/framing/framed.ts";
import { newline } from "../../../lib/framing/newline.ts";

const LINE = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A source of given chunks; after them it is silent when the last is null. */
function sourceOf(...chunks: (string | Error | null)[]) {
  const silence = Promise.withResolvers<Uint8Array | null>();
  const source = {
    reads: 0,
    cancelled: [] as unknown[],
    read(): Promise<Uint8Array | null> {
      source.reads++;
      const next = chunks.shift();
      if (next instanceof Error) return Promise.reject(next);
      if (next === null) return silence.promise;
      return Promise.resolve(next === undefined ? null : encoder.encode(next));
    },
    cancel(reason?: unknown): void {
      source.cancelled.push(reason);
      silence.resolve(null);
    },
  } satisfies ByteSource & Record<string, unknown>;
  return source;
}

/** A sink that takes everything at once, or fails. */
function sinkOf(failure?: Error) {
  const sink = {
    written: [] as string[],
    aborted: [] as unknown[],
    isClosed: false,
    write(chunk: Uint8Array): Promise<void> {
      if (failure !== undefined) return Promise.reject(failure);
      sink.written.push(decoder.decode(chunk));
      return Promise.resolve();
    },
    close(): Promise<void> {
      sink.isClosed = true;
      return Promise.resolve();
    },
    abort: (reason?: unknown) => void sink.aborted.push(reason),
  } satisfies ByteSink & Record<string, unknown>;
  return sink;
}

function lift(source: ByteSource, sink: ByteSink = sinkOf()) {
  return framed(source, sink, newline({ messageBytesMax: 1000 }), { bufferBytesMax: 100 });
}

Deno.test("receive() hands on one batch for each read and returns at the end", async () => {
  const sizes: number[] = [];
  const { direct, readingEnded } = lift(sourceOf(LINE + LINE, LINE.slice(0, 9), LINE.slice(9)));
  await direct.receive((batch) => sizes.push(batch.length) > 0);
  assert.deepEqual(sizes, [2, 1]);
  await readingEnded;
});

Deno.test("receive() reads nothing while its handler has not said whether to go on", async () => {
  const source = sourceOf(LINE, LINE);
  const gate = Promise.withResolvers<boolean>();
  const came = Promise.withResolvers<void>();
  const done = lift(source).direct.receive(() => {
    came.resolve();
    return gate.promise;
  });
  await came.promise;
  assert.equal(source.reads, 1);
  gate.resolve(true);
  await done;
  assert.equal(source.reads, 3);
});

Deno.test("receive() cancels the source when its handler wants no more", async () => {
  const source = sourceOf(LINE, LINE);
  await lift(source).direct.receive(() => false);
  assert.equal(source.reads, 1);
  assert.equal(source.cancelled.length, 1);
});

Deno.test("receive() passes on what its handler throws and cancels the source", async () => {
  const source = sourceOf(LINE, LINE);
  const receiving = lift(source).direct.receive(() => {
    throw new Error("no");
  });
  await assert.rejects(receiving, /^Error: no$/);
  assert.equal(source.cancelled.length, 1);
});

Deno.test("receive() hands on a fatal message, then returns and cancels the source", async () => {
  const source = sourceOf("x".repeat(2000), LINE);
  const problems: unknown[] = [];
  await lift(source).direct.receive((batch) => problems.push(batch[0].problem?.failure) > 0);
  assert.deepEqual(problems, ["PayloadTooLarge"]);
  assert.equal(source.cancelled.length, 1);
});

Deno.test("receive() rejects with a TransportError when the source breaks", async () => {
  const { direct, ended } = lift(sourceOf(LINE, new Error("reset")));
  await assert.rejects(direct.receive(() => true), TransportError);
  await assert.rejects(ended, /reset/);
});

Deno.test("receive() ends with its connection though the source is silent", async () => {
  const finished = lift(sourceOf(null));
  const receiving = finished.direct.receive(() => true);
  finished.finish();
  await receiving;
  const failed = lift(sourceOf(null));
  const broken = failed.direct.receive(() => true);
  failed.fail(new TransportError("Cannot go on: test"));
  await assert.rejects(broken, /Cannot go on: test/);
});

Deno.test("sink writes batches, counts what was taken and closes in order", async () => {
  const sink = sinkOf();
  const { direct: { sink: out }, flushed } = bound(lift(sourceOf(null), sink));
  await out.write([request(1, "ping"), request(2, "ping")]);
  assert.equal(sink.written.length, 1);
  assert.equal(out.bytesTaken, sink.written[0].length);
  await flushed();
  await out.close();
  assert.ok(sink.isClosed);
  await out.ended;
  await assert.rejects(out.write([request(3, "ping")]), TransportError);
});

Deno.test("sink breaks with a TransportError when a write fails", async () => {
  const sink = sinkOf(new Error("broken pipe"));
  const { sink: out } = lift(sourceOf(null), sink).direct;
  await assert.rejects(out.write([request(1, "ping")]), /broken pipe/);
  await assert.rejects(out.ended, TransportError);
  assert.equal(sink.aborted.length, 1);
});

Deno.test("sink aborts at once", async () => {
  const sink = sinkOf();
  const { sink: out } = lift(sourceOf(null), sink).direct;
  await out.abort();
  assert.equal(sink.aborted.length, 1);
  await assert.rejects(out.ended, TransportError);
});

Deno.test("streams that are asked for after the end are at their end", async () => {
  const lifted = lift(sourceOf(null));
  lifted.finish();
  assert.deepEqual(await Array.fromAsync(lifted.readable), []);
  await assert.rejects(lifted.writable.getWriter().write([request(1, "ping")]), TransportError);
});

function bound(lifted: ReturnType<typeof lift>) {
  return { direct: lifted.direct, flushed: () => lifted.flushed() };
}
