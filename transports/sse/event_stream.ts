/**
 * One event stream towards a client: the response to a GET, for as long as it lasts.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { allocate } from "../../lib/core/byte_pool.ts";
import type { LoggedEvent } from "../../lib/core/event_log.ts";
import {
  encodeEndpoint,
  encodeIdLine,
  encodeRetry,
  HEARTBEAT,
} from "../../lib/framing/sse_encoding.ts";
import { type EventWriter, eventWriter } from "../http/compression.ts";

/** Largest chunk of the response, bytes. */
const CHUNK_BYTES_MAX = 16 * 1024;
/** Bodies up to this are copied behind their id line; larger ones are written as they are. */
const COPY_BYTES_MAX = 4 * 1024;
/** What a client is asked to wait before it connects again when the stream ends in order, ms. */
const RETRY_MS = 3000;

const EVENT_STREAM_HEADERS = [
  "content-type",
  "text/event-stream",
  "cache-control",
  "no-cache, no-transform",
  "x-accel-buffering",
  "no",
];

/** Separates connection and number in an event id. */
export const ID_SEPARATOR = ".";

/** Writes the events of one connection. */
export class EventStream {
  /** Resolves when it has ended, in whatever way. */
  readonly closed: Promise<void>;
  readonly #res: ServerResponse;
  readonly #writer: EventWriter;
  readonly #idPrefix: string;
  #lastWriteMs = 0;

  /**
   * Writes the head of the response and the first event.
   *
   * @param compress whether it may be compressed
   * @param endpoint where the client is to send its messages
   * @param sequence number of the last event that the client has
   */
  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    compress: boolean,
    connectionId: string,
    endpoint: string,
    sequence: number,
  ) {
    this.#res = res;
    this.#idPrefix = `${connectionId}${ID_SEPARATOR}`;
    this.closed = new Promise((resolve) => res.once("close", resolve));
    const headers = [...EVENT_STREAM_HEADERS];
    this.#writer = eventWriter(req, res, headers, compress, CHUNK_BYTES_MAX);
    res.writeHead(200, headers);
    res.flushHeaders();
    this.#writer.write(encodeEndpoint(endpoint, `${this.#idPrefix}${sequence}`));
  }

  /** Whether nobody will take what is written. */
  get isGone(): boolean {
    return this.#res.destroyed;
  }

  /** Writes events; each chunk holds as many as fit. */
  write(events: readonly LoggedEvent<Uint8Array>[]): void {
    this.#lastWriteMs = 0; // the next beat begins a new interval
    let small: Uint8Array[] = [], smallBytes = 0;
    const flush = () => {
      if (smallBytes > 0) this.#writer.write(joined(small, smallBytes));
      small = [];
      smallBytes = 0;
    };
    for (const { sequence, item: body } of events) {
      const id = encodeIdLine(`${this.#idPrefix}${sequence}`);
      if (smallBytes + id.length + body.length > CHUNK_BYTES_MAX) flush();
      small.push(id);
      smallBytes += id.length;
      if (body.length <= COPY_BYTES_MAX) {
        small.push(body);
        smallBytes += body.length;
      } else {
        flush();
        this.#writer.write(body);
      }
    }
    flush();
  }

  /** Resolves when the client has taken what was written, or has gone. */
  room(): Promise<void> {
    return this.#writer.room();
  }

  /** Writes a comment when nothing was written for so long and nothing waits. */
  beat(nowMs: number, intervalMs: number): void {
    if (this.#lastWriteMs === 0) this.#lastWriteMs = nowMs;
    if (nowMs - this.#lastWriteMs < intervalMs || this.#writer.waitingBytes > 0) return;
    this.#writer.write(HEARTBEAT);
    this.#lastWriteMs = nowMs;
  }

  /** Ends it in order, behind what was written. */
  end(): void {
    this.#writer.write(encodeRetry(RETRY_MS * (1 + Math.random())));
    this.#writer.end();
  }

  /** Ends it at once. */
  cut(): void {
    this.#res.destroy();
  }
}

function joined(parts: readonly Uint8Array[], byteLength: number): Uint8Array {
  const whole = allocate(byteLength);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
