/**
 * One call sent to several places, or several times: each copy can be cancelled by itself, and the client
 * hears of one.
 *
 * @module
 */
import { notification } from "./compose.ts";
import type { RequestInfo } from "./connection.ts";
import { GatewayError } from "./errors.ts";
import type { Call, Handler, Session } from "./handler.ts";
import type { Message } from "./message.ts";

/** What a copy differs in. */
export interface CopyOptions {
  /** Id of its own, raw; where two copies can meet on one connection. */
  readonly id?: Uint8Array;
  readonly session?: Session;
  /** Whether the client hears what the server says about it, and is asked. */
  readonly isHeard: boolean;
}

/** See the module. */
export class CallCopy implements Call {
  readonly message: Message;
  readonly request: RequestInfo;
  readonly session: Session;
  readonly #call: Call;
  readonly #isHeard: boolean;
  readonly #end = new AbortController();

  constructor(call: Call, { id, session = call.session, isHeard }: CopyOptions) {
    this.#call = call;
    this.message = id === undefined ? call.message : call.message.withId(id);
    this.request = call.request;
    this.session = session;
    this.#isHeard = isHeard;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  async notify(message: Message): Promise<void> {
    if (this.#isHeard && !this.#end.signal.aborted) await this.#call.notify(message);
  }

  async ask(message: Message): Promise<Message> {
    if (this.#isHeard) return await this.#call.ask(message);
    throw new GatewayError(
      "MethodNotFound",
      `Cannot answer ${message.method}: the client is asked once, for a call that was sent several times`,
    );
  }

  /** Tells the handler that has the copy that nobody waits for it any more. */
  cancel(handler: Handler, reason: string): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    const cancelled = notification("notifications/cancelled", { requestId: 0, reason });
    const message = cancelled.withRequestId(this.message.id!);
    const { request, session, signal } = this;
    const call: Call = { message, request, session, signal, notify: noMore, ask: nobody };
    handler(call).catch(() => {}); // the connection that the copy went over is gone
  }
}

const noMore = () => Promise.resolve();

function nobody(): Promise<Message> {
  return Promise.reject(new GatewayError("MethodNotFound", "Cannot answer: nobody waits"));
}
