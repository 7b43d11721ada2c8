/**
 * The shortest way into and out of a connection: its direct path, or else its streams.
 *
 * @module
 */
import type { Batch, BatchHandler, BatchSink, Connection } from "./connection.ts";
import { MeteredWritable } from "./write_progress.ts";

/**
 * Hands on each batch until the peer has ended its side or the handler wants no more.
 *
 * @throws {TransportError} when the connection broke
 */
export function receiveAll(connection: Connection, onBatch: BatchHandler): Promise<void> {
  return connection.direct?.receive(onBatch) ?? readAll(connection.readable, onBatch);
}

async function readAll(readable: ReadableStream<Batch>, onBatch: BatchHandler): Promise<void> {
  for await (const batch of readable) {
    const goesOn = onBatch(batch);
    if (goesOn !== true && !await goesOn) return;
  }
}

/** Where the batches of a connection go. */
export function sinkOf(connection: Connection): BatchSink {
  return connection.direct?.sink ?? new StreamSink(connection.writable);
}

class StreamSink implements BatchSink {
  readonly ended: Promise<void>;
  readonly #writable: WritableStream<Batch>;
  readonly #writer: WritableStreamDefaultWriter<Batch>;

  constructor(writable: WritableStream<Batch>) {
    this.#writable = writable;
    this.#writer = writable.getWriter();
    this.ended = this.#writer.closed;
  }

  get bytesTaken(): number {
    return this.#writable instanceof MeteredWritable ? this.#writable.bytesTaken : 0;
  }

  write(batch: Batch): Promise<void> {
    return this.#writer.write(batch);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  abort(): Promise<void> {
    return this.#writer.abort();
  }
}
