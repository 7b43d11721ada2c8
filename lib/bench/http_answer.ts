/**
 * Reads the answers on one HTTP/1.1 connection, one after the other: JSON documents and event streams.
 * Source: RFC 9112, sections 4 to 7.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { MESSAGE_BYTES_MAX } from "../core/limits.ts";
import { SseDecoder } from "../framing/sse_events.ts";

/** What has been read of an answer. */
export interface Progress {
  /** Messages as JSON text; of a stream those that are complete. */
  readonly bodies: readonly Uint8Array[];
  readonly status: number;
  readonly sessionId: string | undefined;
  /** Whether the answer is complete, and the connection free. */
  readonly isDone: boolean;
  /** Whether the server closes the connection after it. */
  readonly closes: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const HEAD_BYTES_MAX = 64 * 1024;
const NO_BODIES: readonly Uint8Array[] = [];

/** One per connection. Throws on what is not HTTP. */
export class HttpAnswers {
  #waiting: Buffer = Buffer.alloc(0);
  #hasHead = false;
  #status = 0;
  #sessionId: string | undefined;
  #closes = false;
  #isChunked = false;
  /** Bytes of the body, or of the chunk, that are still to come; -1 before the size of a chunk. */
  #left = 0;
  #events: SseDecoder | undefined;
  #parts: Uint8Array[] = [];

  /** Takes what came. @throws {Error} when it is not HTTP, or too large */
  push(chunk: Buffer): Progress {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    if (!this.#hasHead && !this.#readHead()) return this.#progress(NO_BODIES, false);
    const bodies: Uint8Array[] = [];
    const isDone = this.#isChunked ? this.#readChunks(bodies) : this.#readLength(bodies);
    if (!isDone) return this.#progress(bodies, false);
    if (this.#events === undefined && this.#parts.length > 0) {
      bodies.push(this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts));
    }
    const progress = this.#progress(bodies, true);
    this.#hasHead = false;
    this.#parts = [];
    return progress;
  }

  #progress(bodies: readonly Uint8Array[], isDone: boolean): Progress {
    return {
      bodies,
      status: this.#status,
      sessionId: this.#sessionId,
      isDone,
      closes: this.#closes,
    };
  }

  #readHead(): boolean {
    const end = this.#waiting.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#waiting.length > HEAD_BYTES_MAX) {
        throw new Error("the head of the answer is too long");
      }
      return false;
    }
    const head = this.#waiting.toString("latin1", 0, end);
    this.#waiting = this.#waiting.subarray(end + HEAD_END.length);
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(head);
    if (status === null) throw new Error("the answer is not HTTP/1.1");
    this.#status = Number(status[1]);
    if (this.#status < 200) return this.#readHead(); // 100 Continue and the like
    this.#hasHead = true;
    const lengthText = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#isChunked = lengthText === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#left = this.#isChunked ? -1 : Number(lengthText ?? 0);
    if (this.#left > MESSAGE_BYTES_MAX) throw new Error("the answer is too large");
    this.#closes = /\r\nconnection: *close/i.test(head);
    this.#sessionId = /\r\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
    const isStream = /\r\ncontent-type: *text\/event-stream/i.test(head);
    this.#events = isStream ? new SseDecoder() : undefined;
    return true;
  }

  #readLength(bodies: Uint8Array[]): boolean {
    const part = this.#waiting.subarray(0, this.#left);
    this.#waiting = this.#waiting.subarray(part.length);
    this.#left -= part.length;
    this.#takePart(part, bodies);
    return this.#left === 0;
  }

  #readChunks(bodies: Uint8Array[]): boolean {
    for (;;) {
      if (this.#left < 0) {
        const end = this.#waiting.indexOf("\r\n");
        if (end < 0) return false;
        const size = parseInt(this.#waiting.toString("latin1", 0, end), 16);
        if (!(size <= MESSAGE_BYTES_MAX)) throw new Error("the answer has a broken chunk");
        if (size === 0 && this.#waiting.length < end + 4) return false;
        this.#waiting = this.#waiting.subarray(end + (size === 0 ? 4 : 2));
        if (size === 0) return true;
        this.#left = size;
      }
      const part = this.#waiting.subarray(0, this.#left);
      this.#takePart(part, bodies);
      this.#waiting = this.#waiting.subarray(part.length);
      this.#left -= part.length;
      if (this.#left > 0 || this.#waiting.length < 2) return false;
      this.#waiting = this.#waiting.subarray(2);
      this.#left = -1;
    }
  }

  #takePart(part: Buffer, bodies: Uint8Array[]): void {
    if (part.length === 0) return;
    if (this.#events === undefined) this.#parts.push(part);
    else {
      for (const { data } of this.#events.push(part)) if (data.length > 0) bodies.push(data);
    }
  }
}
