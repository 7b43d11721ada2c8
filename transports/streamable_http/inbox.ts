/**
 * The readable side of a client connection: messages of many answers in one stream, paced by its reader.
 *
 * @module
 */
import type { Batch } from "../../lib/core/connection.ts";
import type { Message } from "../../lib/core/message.ts";

/** Feeds one `ReadableStream` of batches. */
export class Inbox {
  readonly readable: ReadableStream<Batch>;
  #controller!: ReadableStreamDefaultController<Batch>;
  #isOpen = true;
  #room: Promise<void> | undefined;
  #freeRoom: (() => void) | undefined;

  /**
   * @param bufferBytesMax bytes that may wait for the reader before answers are paused
   * @param onCancel called when the reader wants no more
   */
  constructor(bufferBytesMax: number, onCancel: () => void) {
    this.readable = new ReadableStream<Batch>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#freeRoom?.(),
      cancel: () => {
        this.#end();
        onCancel();
      },
    }, { highWaterMark: bufferBytesMax, size: byteLengthOf });
  }

  /** Hands messages to the reader; drops them when nobody reads any more. */
  deliver(batch: Batch): void {
    if (this.#isOpen && batch.length > 0) this.#controller.enqueue(batch);
  }

  /** Hands one message to the reader. */
  deliverOne(message: Message): void {
    this.deliver([message]);
  }

  /** `undefined` when the reader keeps up, else resolves when it does again. */
  room(): Promise<void> | undefined {
    if (!this.#isOpen || this.#controller.desiredSize! > 0) return undefined;
    return this.#room ??= new Promise((resolve) => {
      this.#freeRoom = () => {
        this.#room = this.#freeRoom = undefined;
        resolve();
      };
    });
  }

  /** Ends the stream behind what was delivered. */
  close(): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#controller.close();
  }

  /** Breaks the stream; what was not read is lost. */
  break(error: Error): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#controller.error(error);
  }

  #end(): void {
    this.#isOpen = false;
    this.#freeRoom?.();
  }
}

/** Bytes of a batch, for queuing strategies. */
export function byteLengthOf(batch: Batch | undefined): number {
  let byteLength = 0;
  for (const message of batch ?? []) byteLength += message.bytes.length;
  return byteLength;
}
