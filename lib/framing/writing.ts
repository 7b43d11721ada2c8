/**
 * The sending direction of a framed connection: batches to bytes.
 *
 * @module
 */
import type { Batch, BatchSink, Codec } from "../core/connection.ts";
import { TransportError } from "../core/errors.ts";
import { MeteredWritable } from "../core/write_progress.ts";
import { broken, type ByteSink, settleQuietly } from "./bytes.ts";
import { Ending } from "./ending.ts";
import { giveBack, lend } from "./write_buffers.ts";

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

/** Encodes what a sink gets, from a stream or from {@link Writing.write}; whoever comes first has it. */
export class Writing implements BatchSink {
  bytesTaken = 0;
  readonly #ending = new Ending();
  readonly #sink: ByteSink;
  readonly #codec: Codec;
  readonly #encode: Codec["encodeInto"];
  readonly #bufferBytesMax: number;
  #stream: MeteredWritable<Batch> | undefined;
  #controller: WritableStreamDefaultController | undefined;
  #batchesWaiting = 0;
  #flush: PromiseWithResolvers<void> | undefined;

  /** @param bufferBytesMax bytes that may wait in the stream before its `desiredSize` is 0 */
  constructor(sink: ByteSink, codec: Codec, bufferBytesMax: number) {
    this.#sink = sink;
    this.#codec = codec;
    this.#encode = codec.encodeInto;
    this.#bufferBytesMax = bufferBytesMax;
  }

  /** See {@link BatchSink.ended}. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  /** Takes batches. Made on first use: most connections are written to directly, and a stream costs 3 KB. */
  get stream(): WritableStream<Batch> {
    return this.#stream ??= this.#open();
  }

  /** See {@link BatchSink.write}. */
  write(batch: Batch): Promise<void> {
    if (this.#ending.isOver) return Promise.reject(this.#closed());
    this.#batchesWaiting++;
    return this.#write(batch);
  }

  /** See {@link BatchSink.close}. */
  async close(): Promise<void> {
    try {
      await this.#sink.close();
    } catch (error) {
      const reason = broken("close", error);
      this.fail(reason);
      throw reason;
    }
    this.#end();
  }

  /** See {@link BatchSink.abort}. */
  abort(reason?: unknown): void {
    this.#break(broken("write to", reason));
  }

  /** Resolves when nothing waits to be written; also when the direction has ended. */
  flushed(): Promise<void> {
    if (this.#ending.isOver || this.#batchesWaiting === 0) return Promise.resolve();
    this.#flush ??= Promise.withResolvers<void>();
    return this.#flush.promise;
  }

  /** Ends as if the peer had. */
  finish(): void {
    if (this.#ending.isOver) return;
    this.#end();
    this.#controller?.error(this.#closed());
  }

  /** Breaks the direction and aborts the sink. */
  fail(error: TransportError): void {
    if (!this.#ending.isOver) this.#controller?.error(error);
    this.#break(error);
  }

  #break(error: TransportError): void {
    if (this.#ending.isOver) return;
    this.#end(error);
    settleQuietly(() => this.#sink.abort(error));
  }

  #end(error?: TransportError): void {
    this.#ending.come(error);
    this.#flush?.resolve();
  }

  #open(): MeteredWritable<Batch> {
    return new MeteredWritable<Batch>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#ending.isOver) return controller.error(this.#closed());
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.abort(signal.reason));
      },
      write: (batch) => this.#write(batch),
      close: () => this.close(),
    }, {
      highWaterMark: this.#bufferBytesMax,
      // The stream measures each batch exactly once, when it enters the queue: nothing else tells how
      // many wait in the queue of a stream that is locked to its writer.
      size: (batch) => {
        this.#batchesWaiting++;
        return batchBytes(batch);
      },
    });
  }

  #write(batch: Batch): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = this.#encode?.(batch, lend) ?? this.#codec.encode(batch);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#writePieces(bytes);
  }

  async #writePieces(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length && !this.#ending.isOver; at += PIECE_BYTES_MAX) {
        const piece = bytes.length <= PIECE_BYTES_MAX
          ? bytes
          : bytes.subarray(at, at + PIECE_BYTES_MAX);
        await this.#sink.write(piece);
        this.bytesTaken += piece.length;
        if (this.#stream !== undefined) this.#stream.bytesTaken = this.bytesTaken;
      }
    } catch (error) {
      return this.#failed(error);
    }
    if (this.#encode !== undefined && !this.#ending.isOver) giveBack(bytes);
    if (--this.#batchesWaiting > 0) return;
    this.#flush?.resolve();
    this.#flush = undefined;
  }

  #failed(error: unknown): Promise<never> {
    const reason = broken("write to", error);
    this.fail(reason);
    return Promise.reject(reason);
  }

  #closed(): TransportError {
    return new TransportError("Cannot write to the connection: it is closed");
  }
}
