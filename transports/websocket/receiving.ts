/**
 * The incoming direction of a WebSocket as a stream of batches.
 *
 * @module
 */
import type { Batch } from "../../lib/core/connection.ts";
import type { TransportError } from "../../lib/core/errors.ts";
import type { Message } from "../../lib/core/message.ts";
import { shortLived } from "../../lib/core/short_lived.ts";
import { batchBytes } from "../../lib/framing/writing.ts";
import type { Ws } from "./library.ts";

/** More than this unread stops the peer, bytes. */
const PAUSE_BYTES = 64 * 1024;
/** More messages than this unread stop the peer. */
const PAUSE_MESSAGES = 1000;

/** Collects the messages of one turn into one batch, and stops the peer when nobody reads them. */
export class Receiving {
  readonly stream: ReadableStream<Batch>;
  readonly #ws: Ws;
  #controller!: ReadableStreamDefaultController<Batch>;
  #collected: Message[] = [];
  #collectedBytes = 0;
  #isWanted = false;
  #isScheduled = false;
  #isPaused = false;
  #isEnding = false;
  #isOver = false;

  constructor(ws: Ws) {
    this.#ws = ws;
    this.stream = new ReadableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#stop(),
    }, { highWaterMark: 0 });
  }

  /** Whether the peer is not being read: its silence means nothing. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes that nobody has read. */
  get waitingBytes(): number {
    return this.#collectedBytes;
  }

  /** Adds what one WebSocket message brought. */
  add(batch: Batch): void {
    if (this.#isOver || this.#isEnding) return;
    for (const message of batch) this.#collected.push(message);
    this.#collectedBytes += batchBytes(batch);
    if (this.#isWanted && !this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(this.#deliver);
    }
    // also when somebody reads: one turn brought 2 MB from a peer that had sent while the gateway was busy
    const isMuch = this.#collectedBytes > PAUSE_BYTES || this.#collected.length > PAUSE_MESSAGES;
    if (isMuch && !this.#isPaused) {
      this.#isPaused = true;
      this.#ws.pause();
    }
  }

  /** Ends the stream behind what was collected. */
  end(): void {
    this.#isEnding = true;
    if (this.#collected.length === 0) this.finish();
  }

  /** Ends the stream at once. */
  finish(): void {
    if (this.#isOver) return;
    this.#controller.close();
    this.#stop();
  }

  /** Breaks the stream. */
  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drop();
    this.#controller.error(error);
  }

  #pull(): void {
    this.#isWanted = true;
    if (this.#collected.length > 0) this.#deliver();
  }

  readonly #deliver = (): void => {
    this.#isScheduled = false;
    if (this.#isOver || !this.#isWanted || this.#collected.length === 0) return;
    const batch = this.#collected;
    this.#collected = shortLived();
    this.#collectedBytes = 0;
    this.#isWanted = false;
    this.#controller.enqueue(batch);
    if (this.#isEnding) this.finish();
    else this.#resume();
  };

  /** Nobody will read any more: what still comes is dropped, so that the end of the connection is seen. */
  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drop();
  }

  #drop(): void {
    this.#collected = [];
    this.#collectedBytes = 0;
    this.#resume();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#ws.resume();
  }
}
