/**
 * Lifts a codec onto bytes: one stream stage each way, whose chunks are batches. One stage per message
 * instead of per batch would cost an eighth of the throughput (132k against 1.1M messages a second).
 *
 * @module
 */
import type { Batch, Codec } from "../core/connection.ts";
import { reasonOf, TransportError } from "../core/errors.ts";
import { MeteredWritable } from "../core/write_progress.ts";

/** Where bytes come from. */
export interface ByteSource {
  /** The next bytes, which belong to the caller from then on; null at the end. One call at a time. */
  read(): Promise<Uint8Array | null>;
  /** Nobody will read any more. May be called while a read is pending. */
  cancel(reason?: unknown): void | Promise<void>;
}

/** Where bytes go. */
export interface ByteSink {
  /** Resolves when the sink has taken all of the bytes and has room for more. One call at a time. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends in order, after the last write. */
  close(): Promise<void>;
  /** Ends at once. May be called while a write is pending. */
  abort(reason?: unknown): void | Promise<void>;
}

/** How {@link framed} behaves. */
export interface FramedOptions {
  /** Bytes that may wait in `writable` before its `desiredSize` is 0. */
  readonly bufferBytesMax: number;
}

/** Streams of batches over bytes, and what their connection needs to end them. */
export interface Framed {
  /** Reads only when it is read from. Ends after a message whose problem is fatal. */
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  /** Resolves when both directions have ended in order; rejects with a `TransportError` when one broke. */
  readonly ended: Promise<void>;
  /** Resolves when `readable` has ended or was cancelled; rejects like {@link Framed.ended}. */
  readonly readingEnded: Promise<void>;
  /** Resolves when nothing waits to be written; also when the writing direction has ended. */
  flushed(): Promise<void>;
  /** Ends both streams as if the peer had; source and sink are left to the caller. */
  finish(): void;
  /** Breaks both streams, cancels the source and aborts the sink. */
  fail(error: TransportError): void;
}

/**
 * A sink gets no more than this at once: each piece that it has taken counts as progress, so a peer that
 * reads a large message slowly is told from one that does not read. A pipe holds as much (Linux).
 */
const PIECE_BYTES_MAX = 64 * 1024;

/** Bytes of the messages of a batch, without framing. */
export function batchBytes(batch: Batch): number {
  let byteLength = 0;
  for (const message of batch) byteLength += message.bytes.length;
  return byteLength;
}

/** Lifts a codec onto a source and a sink, which the streams own from then on. */
export function framed(
  source: ByteSource,
  sink: ByteSink,
  codec: Codec,
  options: FramedOptions,
): Framed {
  const reading = new Reading(source, codec);
  const writing = new Writing(sink, codec, options.bufferBytesMax);
  const ended = Promise.all([reading.ended, writing.ended]).then(() => {});
  ended.catch(() => {}); // the caller may not care; a rejection without a listener ends the process
  return {
    readable: reading.stream,
    writable: writing.stream,
    ended,
    readingEnded: reading.ended,
    flushed: () => writing.flushed(),
    finish() {
      reading.finish();
      writing.finish();
    },
    fail(error) {
      reading.fail(error);
      writing.fail(error);
    },
  };
}

class Reading {
  readonly stream: ReadableStream<Batch>;
  readonly ended: Promise<void>;
  readonly #end = Promise.withResolvers<void>();
  readonly #source: ByteSource;
  readonly #decoder;
  #controller!: ReadableStreamDefaultController<Batch>;
  #isOver = false;

  constructor(source: ByteSource, codec: Codec) {
    this.#source = source;
    this.#decoder = codec.decoder();
    this.ended = this.#end.promise;
    this.ended.catch(() => {}); // see framed()
    this.stream = new ReadableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#isOver = true;
        this.#end.resolve();
        return this.#source.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.close();
    this.#end.resolve();
  }

  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(error);
    this.#end.reject(error);
    settleQuietly(() => this.#source.cancel(error));
  }

  async #pull(): Promise<void> {
    try {
      while (!this.#isOver) {
        const chunk = await this.#source.read();
        if (this.#isOver) return;
        const batch = chunk === null ? this.#decoder.end() : this.#decoder.push(chunk);
        if (batch.length > 0) this.#controller.enqueue(batch);
        if (chunk === null) return this.finish();
        if (batch.at(-1)?.problem?.fatal) {
          this.finish();
          settleQuietly(() => this.#source.cancel());
        }
        if (batch.length > 0) return;
      }
    } catch (error) {
      this.fail(broken("read from", error));
    }
  }
}

class Writing {
  readonly stream: MeteredWritable<Batch>;
  readonly ended: Promise<void>;
  readonly #end = Promise.withResolvers<void>();
  readonly #sink: ByteSink;
  readonly #codec: Codec;
  #controller!: WritableStreamDefaultController;
  #isOver = false;
  #batchesWaiting = 0;
  #flush: PromiseWithResolvers<void> | undefined;

  constructor(sink: ByteSink, codec: Codec, bufferBytesMax: number) {
    this.#sink = sink;
    this.#codec = codec;
    this.ended = this.#end.promise;
    this.ended.then(() => this.#flush?.resolve(), () => this.#flush?.resolve());
    this.stream = new MeteredWritable<Batch>({
      start: (controller) => {
        this.#controller = controller;
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#break(broken("write to", signal.reason)));
      },
      write: (batch) => this.#write(batch),
      close: () => this.#close(),
    }, {
      highWaterMark: bufferBytesMax,
      // The stream measures each batch exactly once, when it enters the queue: nothing else tells how
      // many wait in the queue of a stream that is locked to its writer.
      size: (batch) => {
        this.#batchesWaiting++;
        return batchBytes(batch);
      },
    });
  }

  flushed(): Promise<void> {
    if (this.#isOver || this.#batchesWaiting === 0) return Promise.resolve();
    this.#flush ??= Promise.withResolvers<void>();
    return this.#flush.promise;
  }

  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(new TransportError("Cannot write to the connection: it is closed"));
    this.#end.resolve();
  }

  fail(error: TransportError): void {
    if (!this.#isOver) this.#controller.error(error);
    this.#break(error);
  }

  #break(error: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end.reject(error);
    settleQuietly(() => this.#sink.abort(error));
  }

  async #write(batch: Batch): Promise<void> {
    try {
      const bytes = this.#codec.encode(batch);
      for (let at = 0; at < bytes.length && !this.#isOver; at += PIECE_BYTES_MAX) {
        const piece = bytes.length <= PIECE_BYTES_MAX
          ? bytes
          : bytes.subarray(at, at + PIECE_BYTES_MAX);
        await this.#sink.write(piece);
        this.stream.bytesTaken += piece.length;
      }
    } catch (error) {
      const reason = broken("write to", error);
      this.fail(reason);
      throw reason;
    }
    if (--this.#batchesWaiting > 0) return;
    this.#flush?.resolve();
    this.#flush = undefined;
  }

  async #close(): Promise<void> {
    try {
      await this.#sink.close();
    } catch (error) {
      const reason = broken("close", error);
      this.fail(reason);
      throw reason;
    }
    this.#isOver = true;
    this.#end.resolve();
  }
}

function broken(deed: string, thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  return new TransportError(`Cannot ${deed} the connection: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}

/** The connection is over: whether its source or sink also complains about that changes nothing. */
function settleQuietly(end: () => void | Promise<void>): void {
  new Promise<void>((resolve) => resolve(end())).catch(() => {});
}
