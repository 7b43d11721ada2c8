/**
 * Calls of the gateway itself, as a client that cannot be asked anything.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

const REQUEST: RequestInfo = {
  transport: "gateway",
  address: "gateway",
  header: () => undefined,
};

/** The gateway as its own client. */
export class FeedSession implements Session {
  readonly id = crypto.randomUUID();
  readonly isSessionless = false;
  readonly protocolVersion = undefined;
  readonly callsInFlight = 0;
  readonly #controller = new AbortController();
  readonly #onNotification: (message: Message) => void;

  constructor(onNotification: (message: Message) => void) {
    this.#onNotification = onNotification;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  notify(message: Message): Promise<void> {
    this.#onNotification(message);
    return Promise.resolve();
  }

  ask({ method }: Message): Promise<Message> {
    return Promise.reject(
      new GatewayError("MethodNotFound", `Cannot answer ${method}: the gateway asked for itself`),
    );
  }

  cancelAsk(): void {
    // nothing is ever asked
  }

  /** The gateway wants nothing more. */
  end(): void {
    this.#controller.abort();
  }
}

/** One request or notification of the gateway. */
export class FeedCall implements Call {
  readonly request = REQUEST;
  readonly message: Message;
  readonly session: FeedSession;

  constructor(message: Message, session: FeedSession) {
    this.message = message;
    this.session = session;
  }

  get signal(): AbortSignal {
    return this.session.signal;
  }

  notify(message: Message): Promise<void> {
    return this.session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.session.ask(message);
  }
}
