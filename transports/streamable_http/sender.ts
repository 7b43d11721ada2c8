/**
 * Sends the messages of one connection in the order that HTTP, with a connection for each request,
 * does not keep by itself: a notification is answered before the next message leaves, and so is
 * `initialize`; requests run side by side.
 *
 * @module
 */
import type { Batch } from "../../lib/core/connection.ts";
import type { Message } from "../../lib/core/message.ts";

/** Sends one message; calls back when the next may follow. */
export type SendOne = (message: Message, onOrdered: () => void, onLanded: () => void) => void;

/** Bounds of a sender. */
export interface SenderLimits {
  /** Bytes that may wait here before the writer has to. */
  readonly bufferBytesMax: number;
  /** Requests under way at once; subscriptions do not count. */
  readonly inFlightMax: number;
}

/** Messages that wait for their turn. */
export class Sender {
  readonly #sendOne: SendOne;
  readonly #limits: SenderLimits;
  readonly #queue: Message[] = [];
  #queuedBytes = 0;
  #inFlight = 0;
  #isHeld = false;
  #waiters: (() => void)[] = [];

  constructor(sendOne: SendOne, limits: SenderLimits) {
    this.#sendOne = sendOne;
    this.#limits = limits;
  }

  /** Takes messages; a promise means that the writer has to wait. */
  push(batch: Batch): Promise<void> | undefined {
    for (const message of batch) {
      this.#queue.push(message);
      this.#queuedBytes += message.bytes.length;
    }
    this.#pump();
    return this.#isFull ? this.#until(() => !this.#isFull) : undefined;
  }

  /** Resolves when nothing waits and nothing is under way but subscriptions. */
  idle(): Promise<void> {
    return this.#until(() => this.#queue.length === 0 && this.#inFlight === 0);
  }

  /** Takes out a message that has not been sent; false when it is not here. */
  withdraw(isMeant: (message: Message) => boolean): boolean {
    const place = this.#queue.findIndex(isMeant);
    if (place < 0) return false;
    const [message] = this.#queue.splice(place, 1);
    this.#queuedBytes -= message.bytes.length;
    this.#wake();
    return true;
  }

  /** Takes out what has not been sent. */
  takeUnsent(): Message[] {
    this.#queuedBytes = 0;
    const unsent = this.#queue.splice(0);
    this.#wake();
    return unsent;
  }

  get #isFull(): boolean {
    return this.#queuedBytes > this.#limits.bufferBytesMax;
  }

  #pump(): void {
    while (!this.#isHeld && this.#queue.length > 0 && this.#inFlight < this.#limits.inFlightMax) {
      const message = this.#queue.shift()!;
      this.#queuedBytes -= message.bytes.length;
      this.#isHeld = message.kind === "notification" || message.method === "initialize";
      const isCounted = message.method !== "subscriptions/listen"; // whose stream lasts for hours
      if (isCounted) this.#inFlight++;
      const onLanded = isCounted ? this.#landed : NOTHING;
      this.#sendOne(message, this.#isHeld ? this.#release : NOTHING, onLanded);
    }
  }

  readonly #release = (): void => {
    this.#isHeld = false;
    this.#pump();
  };

  readonly #landed = (): void => {
    this.#inFlight--;
    this.#pump();
    this.#wake();
  };

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function NOTHING(): void {
  // requests leave without waiting for each other, and nobody waits for subscriptions
}
