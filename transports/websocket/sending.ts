/**
 * The outgoing direction of a WebSocket as a stream of batches that waits for the socket, which the
 * library itself does not.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Batch } from "../../lib/core/connection.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { MeteredWritable } from "../../lib/core/write_progress.ts";
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

/** Writes batches no faster than the socket takes them. */
export class Sending {
  readonly stream: MeteredWritable<Batch>;
  readonly #format: MessageFormat;
  readonly #frames: FrameWriter;
  readonly #options: SendingOptions;
  #controller!: WritableStreamDefaultController;
  #isOver = false;
  #batchesWaiting = 0;
  #flush: PromiseWithResolvers<void> | undefined;

  constructor(ws: Ws, socket: Socket, format: MessageFormat, options: SendingOptions) {
    this.#format = format;
    this.#options = options;
    this.#frames = new FrameWriter(ws, socket, format.isBinary, options, (byteLength) => {
      this.stream.bytesTaken += byteLength;
    });
    this.stream = new MeteredWritable<Batch>({
      start: (controller) => {
        this.#controller = controller;
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#break(broken(signal.reason)));
      },
      write: (batch) => this.#write(batch),
      close: () => this.#close(),
    }, {
      highWaterMark: options.bufferBytesMax,
      size: (batch) => { // called exactly once for each batch, when it enters the queue
        this.#batchesWaiting++;
        return batchBytes(batch);
      },
    });
  }

  /** Resolves when nothing waits to be written; also when the stream has ended. */
  flushed(): Promise<void> {
    if (this.#isOver || this.#batchesWaiting === 0) return Promise.resolve();
    return (this.#flush ??= Promise.withResolvers<void>()).promise;
  }

  /** Ends the stream as if the peer had. */
  finish(): void {
    if (this.#isOver) return;
    this.#controller.error(new TransportError("Cannot write to the connection: it is closed"));
    this.#settle();
  }

  /** Breaks the stream. */
  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#controller.error(error);
    this.#settle();
  }

  #break(error: TransportError): void {
    if (this.#isOver) return;
    this.#settle();
    this.#options.onAbort(error);
  }

  #settle(): void {
    this.#isOver = true;
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

  async #close(): Promise<void> {
    await this.#options.close();
    this.finish();
  }
}

function broken(thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  return new TransportError(`Cannot write to the connection: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}
