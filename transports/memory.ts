/**
 * A connection within the process: built-in servers and tests. Messages cross as they are.
 *
 * @module
 */
import type { Batch, Connection, Peer } from "../lib/core/connection.ts";
import { type GatewayError, reasonOf, TransportError } from "../lib/core/errors.ts";
import { BUFFER_BYTES_MAX } from "../lib/core/limits.ts";
import { batchBytes } from "../lib/framing/writing.ts";

/** How a pair behaves. */
export interface MemoryOptions {
  /** Bytes that may wait in each direction before `desiredSize` is 0. */
  readonly bufferBytesMax?: number;
}

/**
 * Two ends of one connection. What is written at one end waits until the other end reads it, and
 * counts in `desiredSize` until then.
 */
export function memoryPair(options: MemoryOptions = {}): [Connection, Connection] {
  const bufferBytesMax = options.bufferBytesMax ?? BUFFER_BYTES_MAX;
  const there = new Lane(bufferBytesMax), back = new Lane(bufferBytesMax);
  return [
    new MemoryConnection(back, there, "memory a"),
    new MemoryConnection(there, back, "memory b"),
  ];
}

/** One direction: a batch is handed over when it is asked for, not before. */
class Lane {
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  /** Resolves when no more will be written. */
  readonly written = Promise.withResolvers<void>();
  /** Resolves when the end was read, or nobody will read any more. */
  readonly read = Promise.withResolvers<void>();
  #reading!: ReadableStreamDefaultController<Batch>;
  #writing!: WritableStreamDefaultController;
  /** Resolves when the reader wants a batch. */
  #demand = Promise.withResolvers<void>();
  /** Batches in the queue of `writable`, the one being handed over included. */
  #batchesWaiting = 0;
  #isLeft = false;
  #isOver = false;

  constructor(bufferBytesMax: number) {
    for (const { promise } of [this.written, this.read]) promise.catch(() => {});
    this.readable = new ReadableStream<Batch>({
      start: (controller) => {
        this.#reading = controller;
      },
      pull: () => this.#demand.resolve(),
      cancel: () => this.stopReading(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Batch>({
      start: (controller) => {
        this.#writing = controller;
        const { signal } = controller; // see framed.ts: `abort` waits for the write under way
        signal.addEventListener("abort", () => this.#break(broken(signal.reason)));
      },
      write: (batch) => this.#handOver(batch),
      close: () => this.#endOfWriting(),
    }, {
      highWaterMark: bufferBytesMax,
      size: (batch) => { // called exactly once for each batch, when it enters the queue
        this.#batchesWaiting++;
        return batchBytes(batch);
      },
    });
  }

  /** The writer has gone: what waits can still be read, then the end follows. */
  stopWriting(): void {
    if (this.#isOver || this.#isLeft) return;
    this.#isLeft = true;
    this.written.resolve();
    if (this.#batchesWaiting === 0) this.#endOfWriting();
  }

  /** The reader has gone: what waits is lost, and writing fails. */
  stopReading(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writing.error(new TransportError("Cannot write to the connection: the peer closed it"));
    this.#settle();
  }

  fail(error: TransportError): void {
    if (!this.#isOver) this.#writing.error(error);
    this.#break(error);
  }

  #break(error: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.written.reject(error);
    this.read.reject(error);
    this.#reading.error(error);
    this.#demand.resolve();
  }

  /** Ends reading at once, for a reader that disposes its connection. */
  leave(): void {
    if (this.#isOver) return;
    this.stopReading();
    this.#reading.close();
  }

  async #handOver(batch: Batch): Promise<void> {
    await this.#demand.promise;
    this.#batchesWaiting--;
    if (this.#isOver) return;
    this.#demand = Promise.withResolvers<void>();
    this.#reading.enqueue(batch);
    if (this.#isLeft && this.#batchesWaiting === 0) this.#endOfWriting();
  }

  #endOfWriting(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reading.close();
    if (this.#isLeft) {
      this.#writing.error(new TransportError("Cannot write to the connection: it is closed"));
    }
    this.#settle();
  }

  #settle(): void {
    this.written.resolve();
    this.read.resolve();
    this.#demand.resolve();
  }
}

class MemoryConnection implements Connection {
  readonly kind = "connection";
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #incoming: Lane;
  readonly #outgoing: Lane;
  readonly #disposed = Promise.withResolvers<void>();

  constructor(incoming: Lane, outgoing: Lane, address: string) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.readable = incoming.readable;
    this.writable = outgoing.writable;
    this.peer = { transport: "memory", address };
    const ended = Promise.all([incoming.read.promise, outgoing.written.promise]);
    this.closed = Promise.race([this.#disposed.promise, ended]).then(() => {});
    this.closed.catch(() => {}); // the owner may not care; without a listener it would end the process
  }

  abort(reason: GatewayError): void {
    const error = broken(reason);
    this.#incoming.fail(error);
    this.#outgoing.fail(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#outgoing.stopWriting();
    this.#incoming.leave();
    this.#disposed.resolve();
    return Promise.resolve();
  }
}

function broken(reason: unknown): TransportError {
  return new TransportError(`Cannot go on with the connection: ${reasonOf(reason)}`, {
    cause: reason,
  });
}
