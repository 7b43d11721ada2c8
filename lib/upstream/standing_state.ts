/**
 * What a server with a handshake holds of its client for as long as the connection lasts: the handshake,
 * subscriptions to resources and the log level. It is kept here, to be brought to the next connection.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";

/** Resources that may be subscribed to at one server. */
export const SUBSCRIPTIONS_MAX = 1000;
/** Requests under way at once while subscriptions are made again: calls wait behind them. */
const RESTORED_AT_ONCE = 50;

/** What is remembered of a completed handshake. */
export interface Handshake {
  /** The `initialize` request. */
  readonly initialize: Message;
  /** Its answer. */
  readonly answer: Message;
  /** `notifications/initialized`, once it was sent. */
  initialized?: Message;
}

/** A subscription; as long as the server has not taken it, it does not stand. */
interface Subscription {
  readonly request: Message;
  stands: boolean;
}

/** Whether a request changes what a server holds of its client. */
export function isRemembered({ method }: Message): boolean {
  return method === "initialize" || method === "logging/setLevel" ||
    method === "resources/subscribe" || method === "resources/unsubscribe";
}

/** See the module. */
export class StandingState {
  /** The handshake, once it was made. */
  handshake: Handshake | undefined;
  readonly #subscriptions = new Map<string, Subscription>();
  #logLevel: Message | undefined;

  /** Whether the client waits for messages that no request of its own brings. */
  get isListening(): boolean {
    return this.#subscriptions.size > 0;
  }

  /**
   * To be told of each request before it is sent.
   *
   * @throws {GatewayError} Overloaded when it would be one subscription too many
   */
  begin(request: Message): void {
    const { method, uri } = request;
    if (uri === undefined) return;
    if (method === "resources/unsubscribe") this.#subscriptions.delete(uri);
    if (method !== "resources/subscribe" || this.#subscriptions.has(uri)) return;
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) {
      throw new GatewayError(
        "Overloaded",
        `Cannot subscribe: ${SUBSCRIPTIONS_MAX} resources are subscribed to already`,
      );
    }
    this.#subscriptions.set(uri, { request, stands: false });
  }

  /** To be told what the server has answered; `undefined` when it did not. */
  end(request: Message, answer: Message | undefined): void {
    const isTaken = answer !== undefined && !answer.isError;
    switch (request.method) {
      case "initialize":
        if (isTaken) this.handshake = { initialize: request, answer };
        break;
      case "logging/setLevel":
        if (isTaken) this.#logLevel = request;
        break;
      case "resources/subscribe":
        this.#endSubscription(request.uri!, isTaken);
    }
  }

  /**
   * Sets the level and subscribes again. What a server refuses now is asked again of the next one: nothing in
   * the protocol tells a client that its subscription has ended.
   *
   * @param ask sends a request
   */
  async restore(ask: (request: Message) => Promise<Message>): Promise<void> {
    if (this.#logLevel !== undefined) await ask(this.#logLevel);
    const uris = [...this.#subscriptions.keys()];
    while (uris.length > 0) {
      const standing = uris.splice(0, RESTORED_AT_ONCE).map((uri) => this.#subscriptions.get(uri))
        .filter((subscription) => subscription?.stands); // it may have ended meanwhile
      await Promise.all(standing.map((subscription) => ask(subscription!.request)));
    }
  }

  #endSubscription(uri: string, isTaken: boolean): void {
    const subscription = this.#subscriptions.get(uri);
    if (subscription === undefined) return; // ended meanwhile
    if (isTaken) subscription.stands = true;
    else if (!subscription.stands) this.#subscriptions.delete(uri);
  }
}
