/**
 * A connection and the conversation over it need each other: one of them comes later.
 *
 * @module
 */
import { GatewayError } from "./errors.ts";
import type { Message } from "./message.ts";
import type { Receiver } from "./upstream.ts";

/** Passes on to the receiver that it is given later; until then there is nobody. */
export class LateReceiver implements Receiver {
  #receiver: Receiver | undefined;

  /** From now on, messages go there. */
  bind(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  notify(message: Message): Promise<void> {
    return this.#receiver?.notify(message) ?? Promise.resolve();
  }

  async ask(message: Message): Promise<Message> {
    if (this.#receiver !== undefined) return await this.#receiver.ask(message);
    throw new GatewayError("MethodNotFound", `Cannot answer ${message.method}: there is no client`);
  }

  cancelAsk(message: Message): void {
    this.#receiver?.cancelAsk(message);
  }
}
