/**
 * Subscriptions to resources of one server with a handshake, merged: the server is asked once for each
 * resource, however many clients want it.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Server } from "../core/upstream.ts";
import { requestWith } from "./discovery.ts";
import { isWithin } from "./listen_filter.ts";

/** Resources that clients may be subscribed to at once, all together. */
const RESOURCES_MAX = 10_000;

/** One resource that the server was asked for. */
interface Subscription {
  readonly wanting: Set<object>;
  /** Resolves when the server has agreed. */
  readonly begun: Promise<void>;
}

/** Who wants to hear of which resource. */
export class ResourceSubscriptions {
  readonly #server: Server;
  readonly #open = new Map<string, Subscription>();
  /** Ends under way: over HTTP, requests that do not wait for each other can overtake each other. */
  readonly #ending = new Map<string, Promise<unknown>>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** Whether someone subscribed to a resource. */
  has(uri: string, who: object): boolean {
    return this.#open.get(uri)?.wanting.has(who) === true;
  }

  /** Whether someone subscribed to a resource, or to one that it is part of. */
  concerns(uri: string, who: object): boolean {
    if (this.has(uri, who)) return true;
    for (const [whole, { wanting }] of this.#open) {
      if (wanting.has(who) && isWithin(uri, whole)) return true;
    }
    return false;
  }

  /**
   * Subscribes someone.
   *
   * @throws {GatewayError} when the server refuses; Overloaded when there are too many
   */
  async add(uri: string, who: object): Promise<void> {
    let subscription = this.#open.get(uri);
    if (subscription === undefined) {
      if (this.#open.size >= RESOURCES_MAX) throw tooMany();
      subscription = { wanting: new Set(), begun: this.#begin(uri) };
      this.#open.set(uri, subscription);
    }
    subscription.wanting.add(who);
    try {
      await subscription.begun;
    } catch (error) {
      if (this.#open.get(uri) === subscription) this.#open.delete(uri);
      throw error;
    }
  }

  /** Ends someone's subscription; the server is told when it was the last. */
  async remove(uri: string, who: object): Promise<void> {
    const subscription = this.#open.get(uri);
    if (!subscription?.wanting.delete(who) || subscription.wanting.size > 0) return;
    this.#open.delete(uri);
    const ending = subscription.begun
      .then(() => this.#server.ask(requestWith("resources/unsubscribe", "uri", uri)))
      .finally(() => {
        if (this.#ending.get(uri) === ending) this.#ending.delete(uri);
      });
    this.#ending.set(uri, ending);
    await ending;
  }

  /** Ends all subscriptions of someone who has gone. */
  forget(who: object): void {
    for (const uri of [...this.#open.keys()]) {
      this.remove(uri, who).catch(() => {}); // a server that has gone knows no subscriptions
    }
  }

  async #begin(uri: string): Promise<void> {
    await this.#ending.get(uri)?.catch(() => {}); // whoever ended it is told
    const answer = await this.#server.ask(requestWith("resources/subscribe", "uri", uri));
    if (!answer.isError) return;
    throw new GatewayError("InvalidParams", `Cannot subscribe: ${answer.json().error.message}`);
  }
}

function tooMany(): GatewayError {
  return new GatewayError(
    "Overloaded",
    `Cannot subscribe: ${RESOURCES_MAX} resources are subscribed to already`,
  );
}
