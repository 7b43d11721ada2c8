/**
 * Spans of messages on their way out: from when a message is handed to a connection until the connection has
 * taken it.
 *
 * @module
 */
import { monotonicMs } from "../../core/clock.ts";
import type { Batch, BatchSink, Connection } from "../../core/connection.ts";
import { receiveAll, sinkOf } from "../../core/direct_path.ts";
import { isSampled, type TraceContext } from "../../core/trace_context.ts";
import { transportAttributes } from "./call_attributes.ts";
import { SpanKind, type TakeSpan } from "./span.ts";
import { type SpanAttribute, varying, written } from "./span_attributes.ts";
import { newSpanId } from "./trace_ids.ts";

/**
 * The same connection; what it sends of calls that are traced is told.
 *
 * @param compression how messages may be compressed: `none`, or the name of what is negotiated
 */
export function withSendSpans(
  connection: Connection,
  compression: string,
  take: TakeSpan,
): Connection {
  const sink = new TracedSink(connection, compression, take);
  return {
    kind: "connection",
    get readable() { // streams of connections are made when somebody asks for them
      return connection.readable;
    },
    get writable() {
      return connection.writable;
    },
    direct: { sink, receive: (onBatch) => receiveAll(connection, onBatch) },
    peer: connection.peer,
    closed: connection.closed,
    abort: (reason) => connection.abort(reason),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

const bytesAttribute = varying("sluice.message_bytes");
const messagesAttribute = varying("sluice.batch_messages");

class TracedSink implements BatchSink {
  readonly #connection: Connection;
  readonly #attributes: SpanAttribute;
  readonly #take: TakeSpan;
  #sink: BatchSink | undefined;

  constructor(connection: Connection, compression: string, take: TakeSpan) {
    this.#connection = connection;
    const { transport } = connection.peer;
    this.#attributes = written([
      ["sluice.compression", compression],
      ...transportAttributes(transport),
    ]);
    this.#take = take;
  }

  get bytesTaken(): number {
    return this.#inner.bytesTaken;
  }

  get ended(): Promise<void> {
    return this.#inner.ended;
  }

  write(batch: Batch): Promise<void> {
    const written = this.#inner.write(batch);
    for (const message of batch) {
      const trace = message.context?.trace;
      if (trace === undefined || !isSampled(trace)) continue;
      this.#tell(written, trace, message.bytes.length, batch.length);
    }
    return written;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  abort(): void | Promise<void> {
    return this.#inner.abort();
  }

  /** Taken when it is used: whoever asks for the streams instead must find them free. */
  get #inner(): BatchSink {
    return this.#sink ??= sinkOf(this.#connection);
  }

  #tell(written: Promise<void>, trace: TraceContext, bytes: number, messages: number): void {
    const startMs = monotonicMs();
    const end = (failure: string | undefined) => {
      this.#take({
        name: "transport.send",
        kind: SpanKind.internal,
        traceId: trace.traceId,
        spanId: newSpanId(),
        parentId: trace.spanId,
        tracestate: trace.tracestate,
        startMs,
        endMs: monotonicMs(),
        attributes: [this.#attributes, bytesAttribute(bytes), messagesAttribute(messages)],
        failure,
      });
    };
    written.then(() => end(undefined), () => end("the connection broke"));
  }
}
