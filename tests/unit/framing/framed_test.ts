import assert from "node:assert/strict";
import { request } from "../../../lib/core/compose.ts";
import { TransportError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import type { ByteSink, ByteSource } from "../../../lib/framing/bytes.ts";
import { framed } from "../../../lib/framing/framed.ts";
import { batchBytes } from "../../../lib/framing/writing.ts";
import { newline } from "../../../lib/framing/newline.ts";

const LINE = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
const encoder = new TextEncoder();
const codec = newline({ messageBytesMax: 1000 });

/** A source of given chunks that tells how often it was read. */
class ScriptedSource implements ByteSource {
  reads = 0;
  cancelled: unknown[] = [];
  readonly #chunks: (string | Error)[];
  constructor(...chunks: (string | Error)[]) {
    this.#chunks = chunks;
  }
  read(): Promise<Uint8Array | null> {
    this.reads++;
    const next = this.#chunks.shift();
    if (next instanceof Error) return Promise.reject(next);
    return Promise.resolve(next === undefined ? null : encoder.encode(next));
  }
  cancel(reason?: unknown): void {
    this.cancelled.push(reason);
  }
}

/** A sink whose writes wait until they are let go. */
class GatedSink implements ByteSink {
  readonly written: string[] = [];
  aborted: unknown[] = [];
  isClosed = false;
  gate = Promise.withResolvers<void>();
  async write(chunk: Uint8Array): Promise<void> {
    await this.gate.promise;
    this.written.push(new TextDecoder().decode(chunk));
  }
  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
  abort(reason?: unknown): void {
    this.aborted.push(reason);
    this.gate.reject(reason);
    this.gate.promise.catch(() => {});
  }
}

function lift(source: ByteSource, sink: ByteSink = new GatedSink(), bufferBytesMax = 100) {
  return framed(source, sink, codec, { bufferBytesMax });
}

async function collect(readable: ReadableStream<readonly Message[]>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const batch of readable) sizes.push(batch.length);
  return sizes;
}

Deno.test("framed() makes one batch of each read that completes a message", async () => {
  const source = new ScriptedSource(LINE + LINE, LINE.slice(0, 9), "", LINE.slice(9), LINE.trim());
  assert.deepEqual(await collect(lift(source).readable), [2, 1, 1]);
});

Deno.test("framed() reads only when it is read from", async () => {
  const source = new ScriptedSource(LINE, LINE, LINE);
  const reader = lift(source).readable.getReader();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(source.reads, 0);
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(source.reads, 1);
});

Deno.test("framed() ends its readable after a fatal message and cancels the source", async () => {
  const source = new ScriptedSource(LINE + "x".repeat(1001), LINE);
  const streams = lift(source);
  assert.deepEqual(await collect(streams.readable), [2]);
  await streams.readingEnded;
  assert.deepEqual([source.reads, source.cancelled.length], [1, 1]);
});

Deno.test("framed() breaks its readable with a TransportError when the source breaks", async () => {
  const streams = lift(new ScriptedSource(LINE, new Error("reset")));
  const reader = streams.readable.getReader();
  await reader.read();
  const wanted = { name: "TransportError", message: "Cannot read from the connection: reset" };
  await assert.rejects(reader.read(), wanted);
  await assert.rejects(streams.ended, wanted);
});

Deno.test("framed() cancels the source when its readable is cancelled", async () => {
  const source = new ScriptedSource(LINE);
  const streams = lift(source);
  await streams.readable.cancel("enough");
  assert.deepEqual(source.cancelled, ["enough"]);
  await streams.readingEnded;
});

Deno.test("framed() counts the bytes that wait in desiredSize", async () => {
  const sink = new GatedSink();
  const writer = lift(new ScriptedSource(), sink).writable.getWriter();
  const batch = [request(1, "ping"), request(2, "ping")];
  const first = writer.write(batch);
  assert.equal(writer.desiredSize, 100 - batchBytes(batch));
  const second = writer.write(batch);
  assert.equal(writer.desiredSize, 100 - 2 * batchBytes(batch));
  sink.gate.resolve();
  await Promise.all([first, second]);
  assert.equal(writer.desiredSize, 100);
  assert.equal(sink.written.length, 2); // one write a batch
});

Deno.test("flushed() resolves when the last batch was written, not before", async () => {
  const sink = new GatedSink();
  const streams = lift(new ScriptedSource(), sink);
  await streams.flushed();
  const writer = streams.writable.getWriter();
  void writer.write([request(1, "ping")]);
  void writer.write([request(2, "ping")]);
  const flushed = streams.flushed().then(() => sink.written.length);
  sink.gate.resolve();
  assert.equal(await flushed, 2);
});

Deno.test("ended resolves when both directions have ended in order", async () => {
  const sink = new GatedSink();
  const streams = lift(new ScriptedSource(LINE), sink);
  await collect(streams.readable);
  await streams.writable.close();
  await streams.ended;
  assert.equal(sink.isClosed, true);
});

Deno.test("fail() breaks both directions and a write under way", async () => {
  const source = new ScriptedSource(LINE), sink = new GatedSink();
  const streams = lift(source, sink);
  const writer = streams.writable.getWriter();
  writer.closed.catch(() => {}); // asserted through the write
  const write = assert.rejects(writer.write([request(1, "ping")]), TransportError);
  const error = new TransportError("Cannot go on: test");
  streams.fail(error);
  await write;
  await assert.rejects(streams.readable.getReader().read(), error);
  await assert.rejects(streams.ended, error);
  await streams.flushed();
  assert.deepEqual([source.cancelled, sink.aborted], [[error], [error]]);
});

Deno.test("framed() aborts the sink while a write is stuck when its writer aborts", async () => {
  const sink = new GatedSink();
  const streams = lift(new ScriptedSource(), sink);
  const writer = streams.writable.getWriter();
  writer.closed.catch(() => {}); // asserted through the write
  const write = assert.rejects(writer.write([request(1, "ping")]));
  await writer.abort(new Error("enough"));
  await write;
  assert.equal(sink.aborted.length, 1);
});

Deno.test("finish() ends both streams and leaves source and sink alone", async () => {
  const source = new ScriptedSource(LINE), sink = new GatedSink();
  const streams = lift(source, sink);
  streams.finish();
  assert.deepEqual(await collect(streams.readable), []);
  await assert.rejects(streams.writable.getWriter().write([]), /it is closed/);
  await streams.ended;
  assert.deepEqual([source.cancelled, sink.aborted, sink.isClosed], [[], [], false]);
});
