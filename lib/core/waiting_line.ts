/**
 * Messages that wait for room towards one peer, first come first served.
 *
 * @module
 */
import type { BufferBudget } from "./buffer_budget.ts";
import type { GatewayError } from "./errors.ts";
import type { Message } from "./message.ts";

/** What a line may hold. */
export interface WaitingLineOptions {
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** How long a message may wait, ms. */
  readonly waitMs: number;
  /** Counts what waits. */
  readonly budget: BufferBudget;
  /** The error for whoever cannot wait, or no longer. */
  readonly refusal: (why: string) => GatewayError;
}

interface Place {
  readonly admit: () => void;
  readonly withdraw: () => void;
  readonly refuse: (error: GatewayError) => void;
}

/** A bounded queue of messages, each with a deadline. */
export class WaitingLine {
  readonly #options: WaitingLineOptions;
  readonly #places = new Map<Message, Place>();
  #bytes = 0;

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  /**
   * Waits until the message is admitted or withdrawn.
   *
   * @param onAdmit takes the message out of the line's hands
   * @throws {GatewayError} the refusal, when the line is full, the wait too long or everybody sent away
   */
  async join(message: Message, onAdmit: () => void): Promise<void> {
    const { messagesMax, bytesMax, waitMs, budget, refusal } = this.#options;
    if (this.#places.size >= messagesMax || this.#bytes > bytesMax) {
      throw refusal("too much waits for it");
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const byteLength = message.bytes.length;
    const place: Place = {
      admit: () => leave(() => resolve(onAdmit())),
      withdraw: () => leave(resolve),
      refuse: (error) => leave(() => reject(error)),
    };
    const timer = setTimeout(
      () => place.refuse(refusal(`it took nothing more for ${waitMs} ms`)),
      waitMs,
    );
    const leave = (then: () => void) => {
      clearTimeout(timer);
      if (this.#places.delete(message)) {
        this.#bytes -= byteLength;
        budget.add(-byteLength);
      }
      then();
    };
    this.#places.set(message, place);
    this.#bytes += byteLength;
    budget.add(byteLength);
    await promise;
  }

  /** Takes a message out of the line: it is not sent. False when it does not wait here. */
  withdraw(message: Message): boolean {
    const place = this.#places.get(message);
    place?.withdraw();
    return place !== undefined;
  }

  /** Admits messages in their order as long as there is room. */
  admitWhile(hasRoom: () => boolean): void {
    for (const place of this.#places.values()) {
      if (!hasRoom()) break;
      place.admit();
    }
  }

  /** Sends everybody away. */
  refuseAll(why: string): void {
    for (const place of this.#places.values()) place.refuse(this.#options.refusal(why));
  }
}
