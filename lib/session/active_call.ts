/**
 * A call while it is under way.
 *
 * @module
 */
import type { RequestInfo } from "../core/connection.ts";
import type { Call } from "../core/handler.ts";
import type { Message } from "../core/message.ts";
import type { IdKey } from "../core/message_id.ts";
import type { Outlet } from "./outlet.ts";
import type { ClientSession, OpenCall } from "./session.ts";

/** One message of a client and the outlet its answer goes to. */
export class ActiveCall implements Call, OpenCall {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: ClientSession;
  readonly outlet: Outlet;
  /** Key of the request's id among the calls of its session. */
  readonly key: IdKey | undefined;
  /** When its client was heard, monotonic ms. */
  readonly startMs: number;
  #controller: AbortController | undefined;
  #ended = false;

  constructor(session: ClientSession, message: Message, request: RequestInfo, outlet: Outlet) {
    this.session = session;
    this.message = message;
    this.request = request;
    this.outlet = outlet;
    this.startMs = session.lastSeenMs;
    this.key = message.kind === "request" ? message.idKey : undefined;
  }

  /** Made on first use: most calls never need it, and a controller costs 1 us. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Whether nobody waits for the answer any more. */
  get ended(): boolean {
    return this.#ended;
  }

  notify(message: Message): Promise<void> {
    return this.outlet.streams && this.outlet.open
      ? this.outlet.send(message)
      : this.session.notify(message);
  }

  ask(message: Message): Promise<Message> {
    return this.session.askOn(this.outlet, message);
  }

  /** Ends the call: its answer, should it still come, is dropped. */
  end(): void {
    this.#ended = true;
    this.#controller?.abort();
  }
}
