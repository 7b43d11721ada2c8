/**
 * Subscriptions to resources of one server with a handshake, merged: the server is asked once for each
 * resource, however many clients want it.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import type { Server } from "../core/upstream.ts";
import { requestWith } from "./discovery.ts";

/** Who wants to hear of which resource. */
export class ResourceSubscriptions {
  readonly #server: Server;
  readonly #wanted = new Map<string, Set<object>>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** Whether someone subscribed to a resource. */
  has(uri: string, who: object): boolean {
    return this.#wanted.get(uri)?.has(who) === true;
  }

  /**
   * Subscribes someone.
   *
   * @throws {GatewayError} when the server refuses
   */
  async add(uri: string, who: object): Promise<void> {
    const wanting = this.#wanted.get(uri);
    if (wanting !== undefined) return void wanting.add(who);
    this.#wanted.set(uri, new Set([who]));
    try {
      const answer = await this.#server.ask(requestWith("resources/subscribe", "uri", uri));
      if (!answer.isError) return;
      throw new GatewayError("InvalidParams", `Cannot subscribe: ${answer.json().error.message}`);
    } catch (error) {
      this.#wanted.delete(uri);
      throw error;
    }
  }

  /** Ends someone's subscription; the server is told when it was the last. */
  async remove(uri: string, who: object): Promise<void> {
    const wanting = this.#wanted.get(uri);
    if (wanting === undefined || !wanting.delete(who) || wanting.size > 0) return;
    this.#wanted.delete(uri);
    await this.#server.ask(requestWith("resources/unsubscribe", "uri", uri));
  }

  /** Ends all subscriptions of someone who has gone. */
  forget(who: object): void {
    for (const uri of [...this.#wanted.keys()]) {
      this.remove(uri, who).catch(() => {}); // a server that has gone knows no subscriptions
    }
  }
}
