/**
 * A listen request of the gateway itself, in the name of a client.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call, Session } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import { type ListenFilter, outsideListen } from "./listen_filter.ts";

/** What stands for the request of a client that never sent one. */
const NO_REQUEST: RequestInfo = {
  transport: "gateway",
  address: "gateway",
  header: () => undefined,
};

/** Passes what the server tells on to a session. */
export class ListenCall implements Call {
  readonly message: Message;
  readonly request = NO_REQUEST;
  readonly session: Session;
  readonly #acknowledged = Promise.withResolvers<ListenFilter>();

  constructor(message: Message, session: Session) {
    this.message = message;
    this.session = session;
    this.#acknowledged.promise.catch(() => {}); // whoever waits for it is told
  }

  get signal(): AbortSignal {
    return this.session.signal;
  }

  /** Resolves to what the server has taken of the filter. */
  get acknowledged(): Promise<ListenFilter> {
    return this.#acknowledged.promise;
  }

  /** The stream has ended; whoever still waits for its beginning learns why. */
  fail(outcome: Message | Error): void {
    const reason = outcome instanceof Error
      ? outcome.message
      : outcome.json().error?.message ?? "the stream has ended";
    this.#acknowledged.reject(new GatewayError("InternalError", `Cannot listen: ${reason}`));
  }

  notify(message: Message): Promise<void> {
    if (message.method !== "notifications/subscriptions/acknowledged") {
      return this.session.notify(outsideListen(message));
    }
    this.#acknowledged.resolve(message.json().params?.notifications ?? {});
    return Promise.resolve();
  }

  ask(): Promise<Message> {
    throw new GatewayError("MethodNotFound", "Cannot ask a client on a listen stream");
  }
}
