/**
 * A client's call towards a server, with another message.
 *
 * @module
 */
import type { RequestInfo } from "./connection.ts";
import type { Call, Session } from "./handler.ts";
import type { Message } from "./message.ts";

/** One round of a call. */
export class RetriedCall implements Call {
  readonly message: Message;
  readonly #call: Call;

  constructor(call: Call, message: Message) {
    this.#call = call;
    this.message = message;
  }

  get request(): RequestInfo {
    return this.#call.request;
  }

  get session(): Session {
    return this.#call.session;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  notify(message: Message): Promise<void> {
    return this.#call.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.#call.ask(message);
  }
}
