/**
 * The server's side of one HTTP+SSE connection. It outlives the event stream that carries it: a client whose
 * stream broke comes back with the id of the last event it saw and goes on behind it.
 *
 * @module
 */
import type { Batch, Connection, Peer, RequestInfo } from "../../lib/core/connection.ts";
import { monotonicMs } from "../../lib/core/clock.ts";
import { type GatewayError, reasonOf, TransportError } from "../../lib/core/errors.ts";
import { EventLog, type EventLogLimits, type LogBudget } from "../../lib/core/event_log.ts";
import type { Identity } from "../../lib/core/identity.ts";
import { CLOSE_FLUSH_MS, UNREAD_ABOVE_BYTES } from "../../lib/core/limits.ts";
import type { Message } from "../../lib/core/message.ts";
import { ownerOf } from "../../lib/core/owner.ts";
import { encodeEvent, eventBody } from "../../lib/framing/sse_encoding.ts";
import { byteLengthOf, Inbox } from "../streamable_http/inbox.ts";
import type { EventStream } from "./event_stream.ts";

/** Limits of a connection. */
export interface SseConnectionLimits extends EventLogLimits {
  /** Bytes that may wait for one side before the other has to. */
  readonly bufferBytesMax: number;
  /** How long a connection without a stream waits for its client, ms. */
  readonly resumeMs: number;
}

/** A {@link Connection} made of POSTs one way and of event streams the other. */
export class SseConnection implements Connection {
  readonly kind = "connection";
  readonly id: string;
  readonly peer: Peer;
  /** Who may name it. */
  readonly owner: string;
  readonly readable: ReadableStream<Batch>;
  readonly writable: WritableStream<Batch>;
  readonly closed: Promise<void>;
  /** POSTs that are being read, or wait for room. */
  posts = 0;
  /** Bytes of those that wait for room. */
  postedBytes = 0;
  readonly #identity: Identity | undefined;
  /** When the newest proof of its client expires, ms since 1970. */
  #provedUntilMs: number;
  readonly #limits: SseConnectionLimits;
  readonly #inbox: Inbox;
  readonly #log: EventLog<Uint8Array>;
  readonly #end = Promise.withResolvers<void>();
  readonly #onEnd: () => void;
  #controller!: WritableStreamDefaultController;
  #stream: EventStream | undefined;
  #detachedSinceMs = monotonicMs();
  #hasEnded = false;
  /** Whether there is anything to come back to. */
  #wasUsed = false;
  #batchesWaiting = 0;
  #changed = Promise.withResolvers<void>();

  /**
   * @param opening the request that opens it
   * @param onEnd called once, when the connection has ended
   */
  constructor(
    id: string,
    opening: RequestInfo,
    limits: SseConnectionLimits,
    budget: LogBudget,
    onEnd: () => void,
  ) {
    this.id = id;
    this.peer = peerOf(opening);
    this.owner = ownerOf(opening);
    this.#identity = opening.identity;
    this.#provedUntilMs = opening.identity?.expiresAtMs ?? Infinity;
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#log = new EventLog(limits, budget);
    this.#inbox = new Inbox(Math.min(limits.bufferBytesMax, UNREAD_ABOVE_BYTES), () => {});
    this.readable = this.#inbox.readable;
    this.writable = new WritableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
        // The stream's own `abort` would wait for the write under way, which may wait for ever.
        const { signal } = controller;
        signal.addEventListener("abort", () => this.#break(signal.reason, true));
      },
      write: (batch) => this.#write(batch),
      close: () => this.#close(),
    }, {
      highWaterMark: limits.bufferBytesMax,
      size: (batch) => {
        this.#batchesWaiting++; // asked once for each batch, see lib/framing/framed.ts
        return byteLengthOf(batch);
      },
    });
    this.closed = this.#end.promise;
    this.closed.catch(() => {}); // whoever asks gets the rejection; nobody has to ask
  }

  /** Whether the client can go on behind an event. */
  canResume(sequence: number): boolean {
    return !this.#hasEnded && this.#log.after(sequence) !== undefined;
  }

  /** Carries the connection on a stream from now on; what the client has not seen comes first. */
  attach(stream: EventStream, sequence = 0): void {
    const before = this.#stream;
    this.#stream = stream;
    before?.cut(); // its client has given it up, whether or not we have noticed
    stream.write(this.#log.after(sequence) ?? []);
    this.#log.sent();
    this.#signalChange();
    stream.closed.then(() => this.#detach(stream));
  }

  /** Takes a message of the client; another proof than the opening one's goes with it. */
  receive(message: Message, identity = this.#identity): void {
    this.#wasUsed = true;
    const isSame = identity === this.#identity;
    this.#inbox.deliverOne(isSame ? message : message.withContext({ identity }));
  }

  /** Its client has proved itself again. */
  prolong(identity: Identity | undefined): void {
    this.#provedUntilMs = Math.max(this.#provedUntilMs, identity?.expiresAtMs ?? Infinity);
  }

  /** `undefined` when the reader keeps up, else resolves when it does again. */
  room(): Promise<void> | undefined {
    return this.#inbox.room();
  }

  /** The client has nothing more to say; what it asked is still answered. */
  endInput(): void {
    this.#inbox.close();
  }

  /** Writes heartbeats; ends with what has let the client in, and when it has stayed away for too long. */
  beat(nowMs: number, heartbeatMs: number): void {
    if (this.#provedUntilMs <= Date.now()) return this.#finish();
    if (this.#stream !== undefined) this.#stream.beat(nowMs, heartbeatMs);
    else if (nowMs - this.#detachedSinceMs > this.#limits.resumeMs) this.#finish();
  }

  /** Ends the connection if no stream carries it: nobody can come back any more. */
  endIfDetached(): void {
    if (this.#stream === undefined) this.#finish();
  }

  abort(reason: GatewayError): void {
    this.#break(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_FLUSH_MS);
    let isLate = false;
    late.promise.then(() => isLate = true);
    while (this.#batchesWaiting > 0 && !this.#hasEnded && !isLate) {
      await Promise.race([late.promise, this.#changed.promise]);
    }
    clearTimeout(timer);
    this.#finish();
  }

  async #write(batch: Batch): Promise<void> {
    if (this.#hasEnded) return; // the stream is broken already; its writer is told
    this.#wasUsed = true;
    const events = batch.map((message) => {
      // Only a notification can be for several clients; the body of an answer is needed once.
      const body = message.kind === "notification" ? eventBody(message) : encodeEvent(message);
      return this.#log.append(body, body.length);
    });
    if (this.#stream !== undefined) {
      this.#stream.write(events);
      this.#log.sent();
    }
    await this.#untilRoom();
    if (--this.#batchesWaiting === 0) this.#signalChange();
  }

  /** Resolves when the client has taken what was written, or without one when the log has room. */
  async #untilRoom(): Promise<void> {
    while (!this.#hasEnded) {
      const stream = this.#stream;
      if (stream === undefined) {
        if (!this.#log.isFull) return;
        await this.#changed.promise;
      } else {
        await stream.room();
        if (!stream.isGone) return;
        await stream.closed;
      }
    }
  }

  #detach(stream: EventStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    if (!this.#wasUsed) return this.#finish();
    this.#detachedSinceMs = monotonicMs();
    this.#signalChange();
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#controller.error(new TransportError("Cannot write to the connection: it is closed"));
    this.#close();
  }

  #close(): void {
    if (!this.#leave()) return;
    this.#stream?.end();
    this.#inbox.close();
    this.#end.resolve();
  }

  #break(reason: unknown, isWriterAborted = false): void {
    if (!this.#leave()) return;
    const error = new TransportError(`Cannot use ${this.peer.address}: ${reasonOf(reason)}`);
    this.#stream?.cut();
    this.#inbox.break(error);
    if (!isWriterAborted) this.#controller.error(error); // else it fails already, with the reason given
    this.#end.reject(error);
  }

  /** False when the connection has ended before. */
  #leave(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    this.#log.clear();
    this.#signalChange();
    this.#onEnd();
    return true;
  }

  #signalChange(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** The connection looks after the expiry of its proofs itself: each POST may bring a newer one. */
function peerOf({ transport, address, tls, identity }: RequestInfo): Peer {
  if (identity === undefined) return { transport, address, ...(tls && { tls }) };
  const { expiresAtMs: _, ...lasting } = identity;
  return { transport, address, ...(tls && { tls }), identity: lasting };
}
