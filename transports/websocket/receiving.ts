/**
 * The incoming direction of a WebSocket: a stream of batches, or the same handed on directly.
 *
 * @module
 */
import type { Batch, BatchHandler } from "../../lib/core/connection.ts";
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
  readonly #ws: Ws;
  #stream: ReadableStream<Batch> | undefined;
  #controller: ReadableStreamDefaultController<Batch> | undefined;
  #onBatch: BatchHandler | undefined;
  #receiver: PromiseWithResolvers<void> | undefined;
  #isHandling = false;
  #collected: Message[] = [];
  #collectedBytes = 0;
  #isWanted = false;
  #isScheduled = false;
  #isPaused = false;
  #isEnding = false;
  #isOver = false;
  #error: TransportError | undefined;

  constructor(ws: Ws) {
    this.#ws = ws;
  }

  /** The batches. Made on first use: most connections are received directly, and a stream costs 3 KB. */
  get stream(): ReadableStream<Batch> {
    return this.#stream ??= new ReadableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#error !== undefined) controller.error(this.#error);
        else if (this.#isOver) controller.close();
      },
      pull: () => this.#want(),
      cancel: () => this.#stop(),
    }, { highWaterMark: 0 });
  }

  /** See `DirectPath.receive`. */
  receive(onBatch: BatchHandler): Promise<void> {
    this.#receiver = Promise.withResolvers<void>();
    this.#onBatch = onBatch;
    this.#receiveOn();
    return this.#receiver.promise;
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

  /** Ends behind what was collected. */
  end(): void {
    this.#isEnding = true;
    if (this.#collected.length === 0) this.finish();
  }

  /** Ends at once. */
  finish(): void {
    if (this.#isOver) return;
    this.#controller?.close();
    this.#stop();
    if (!this.#isHandling) this.#receiver?.resolve();
  }

  /** Breaks the direction. */
  fail(error: TransportError): void {
    if (this.#isOver) return;
    this.#error = error;
    this.#stop();
    this.#controller?.error(error);
    if (!this.#isHandling) this.#receiver?.reject(error);
  }

  #want(): void {
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
    if (this.#onBatch === undefined) this.#controller!.enqueue(batch);
    else this.#handle(batch, this.#onBatch);
    if (this.#isEnding && this.#collected.length === 0) this.finish();
    else this.#resume();
  };

  #handle(batch: Batch, onBatch: BatchHandler): void {
    this.#isHandling = true;
    let goesOn: boolean | Promise<boolean>;
    try {
      goesOn = onBatch(batch);
    } catch (error) {
      return this.#onThrown(error);
    }
    if (typeof goesOn === "boolean") this.#onHandled(goesOn);
    else goesOn.then(this.#onHandled, this.#onThrown);
  }

  readonly #onHandled = (goesOn: boolean): void => {
    this.#isHandling = false;
    if (!goesOn) this.#stop();
    this.#receiveOn();
  };

  readonly #onThrown = (thrown: unknown): void => {
    this.#isHandling = false;
    this.#stop();
    this.#receiver!.reject(thrown);
  };

  #receiveOn(): void {
    if (!this.#isOver) this.#want();
    else if (this.#error === undefined) this.#receiver!.resolve();
    else this.#receiver!.reject(this.#error);
  }

  /** Nobody will read any more: what still comes is dropped, so that the end of the connection is seen. */
  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
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
