/**
 * The outgoing direction of a WebSocket, which waits for the socket; the library itself does not.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Batch, BatchSink } from "../../lib/core/connection.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { MeteredWritable } from "../../lib/core/write_progress.ts";
import { Ending } from "../../lib/framing/ending.ts";
import { batchBytes } from "../../lib/framing/writing.ts";
import type { MessageFormat } from "./format.ts";
import { FrameWriter, type FrameWriterOptions } from "./frame_writer.ts";
import type { Ws } from "./library.ts";

/** What a {@link Sending} needs to know. */
export interface SendingOptions extends FrameWriterOptions {
  readonly bufferBytesMax: number;
  /** Ends the connection in order, after the last write. */
  readonly close: () => Promise<void>;
  /** The writer gave the connection up. */
  readonly onAbort: (error: TransportError) => void;
}

const DONE = Promise.resolve();

/** Writes batches no faster than the socket takes them. */
export class Sending implements BatchSink {
  /** See {@link BatchSink.bytesTaken}. */
  bytesTaken = 0;
  readonly #ending = new Ending();
  readonly #format: MessageFormat;
  readonly #frames: FrameWriter;
  readonly #options: SendingOptions;
  #stream: MeteredWritable<Batch> | undefined;
  #controller: WritableStreamDefaultController | undefined;
  #batchesWaiting = 0;
  #flush: PromiseWithResolvers<void> | undefined;

  constructor(ws: Ws, socket: Socket, format: MessageFormat, options: SendingOptions) {
    this.#format = format;
    this.#options = options;
    this.#frames = new FrameWriter(ws, socket, format.isBinary, options, (byteLength) => {
      this.bytesTaken += byteLength;
      if (this.#stream !== undefined) this.#stream.bytesTaken = this.bytesTaken;
    });
  }

  /** Takes batches. Made on first use: most connections are written to directly, and a stream costs 3 KB. */
  get stream(): MeteredWritable<Batch> {
    return this.#stream ??= this.#open();
  }

  /** See {@link BatchSink.ended}. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  /** See {@link BatchSink.write}. */
  write(batch: Batch): Promise<void> {
    if (this.#ending.isOver) return Promise.reject(closed());
    this.#batchesWaiting++;
    try {
      return this.#write(batch) ?? DONE;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** See {@link BatchSink.close}. */
  async close(): Promise<void> {
    await this.#options.close();
    this.finish();
  }

  /** See {@link BatchSink.abort}. */
  abort(reason?: unknown): void {
    if (this.#ending.isOver) return;
    const error = broken(reason);
    this.#end(error);
    this.#options.onAbort(error);
  }

  /** Resolves when nothing waits to be written; also when the direction has ended. */
  flushed(): Promise<void> {
    if (this.#ending.isOver || this.#batchesWaiting === 0) return Promise.resolve();
    return (this.#flush ??= Promise.withResolvers<void>()).promise;
  }

  /** Ends as if the peer had. */
  finish(): void {
    if (this.#ending.isOver) return;
    this.#controller?.error(closed());
    this.#end();
  }

  /** Breaks the direction. */
  fail(error: TransportError): void {
    if (this.#ending.isOver) return;
    this.#controller?.error(error);
    this.#end(error);
  }

  #open(): MeteredWritable<Batch> {
    return new MeteredWritable<Batch>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#ending.isOver) return controller.error(this.#ending.error ?? closed());
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.abort(signal.reason));
      },
      write: (batch) => this.#write(batch),
      close: () => this.close(),
    }, {
      highWaterMark: this.#options.bufferBytesMax,
      size: (batch) => { // called exactly once for each batch, when it enters the queue
        this.#batchesWaiting++;
        return batchBytes(batch);
      },
    });
  }

  #end(error?: TransportError): void {
    this.#ending.come(error);
    this.#frames.stop();
    this.#flush?.resolve();
  }

  #write(batch: Batch): Promise<void> | undefined {
    const taken = this.#frames.write(this.#format.encode(batch));
    if (taken === undefined) this.#written();
    else return taken.then(() => this.#written());
  }

  #written(): void {
    if (--this.#batchesWaiting > 0) return;
    this.#flush?.resolve();
    this.#flush = undefined;
  }
}

function closed(): TransportError {
  return new TransportError("Cannot write to the connection: it is closed");
}

function broken(thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  const why = thrown === undefined ? "it was given up" : reasonOf(thrown);
  return new TransportError(`Cannot write to the connection: ${why}`, { cause: thrown });
}
