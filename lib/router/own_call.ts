/**
 * Calls that the gateway makes itself, in a client's name or in nobody's.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";

/** A call of the gateway itself, in a client's name. */
export class OwnCall implements Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  /** Of its own: a signal that lives longer would collect listeners. */
  readonly signal = new AbortController().signal;

  constructor(message: Message, request: RequestInfo, session: Session) {
    this.message = message;
    this.request = request;
    this.session = session;
  }

  notify(message: Message): Promise<void> {
    return this.session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.session.ask(message);
  }
}

/** Stands for clients without sessions where the gateway asks a server for what it shows them. */
export class OwnSession implements Session {
  readonly id = "";
  readonly isSessionless = true;
  readonly protocolVersion = undefined;
  readonly callsInFlight = 0;
  readonly signal = new AbortController().signal;

  notify(): Promise<void> {
    return Promise.resolve(); // of no call, so for nobody
  }

  ask({ method }: Message): Promise<Message> {
    return Promise.reject(
      new GatewayError("MethodNotFound", `Cannot answer ${method}: there is no client`),
    );
  }

  cancelAsk(): void {
    // it was never asked
  }
}

/** The request behind what the gateway does for nobody in particular. */
export const NO_REQUEST: RequestInfo = {
  transport: "gateway",
  address: "gateway",
  header: () => undefined,
};
