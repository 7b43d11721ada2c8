/**
 * A call whose notifications somebody else hears, too.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

/** See the module. */
export class HeardCall implements Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  readonly #call: Call;
  readonly #hear: (message: Message) => void;

  constructor(call: Call, hear: (message: Message) => void) {
    this.message = call.message;
    this.request = call.request;
    this.session = call.session;
    this.#call = call;
    this.#hear = hear;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  notify(message: Message): Promise<void> {
    this.#hear(message);
    return this.#call.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.#call.ask(message);
  }
}
