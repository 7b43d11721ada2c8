/**
 * Requests that a client sends on a connection before those ahead of them are answered.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * So many may wait behind the one that is being answered: the HTTP server of Deno 2.9.6 reads on and keeps them
 * all, whatever is paused. Clients that never read their answers held 20 MB each. Clients that wait for an
 * answer before they ask again have none.
 */
export const PIPELINED_MAX = 8;

/** Cuts the connections of those that send too many. One per listener. */
export class Pipelines {
  readonly #waiting = new WeakMap<Socket, number>();

  /** False when too many requests wait on the connection of this one already; then it is cut. */
  admit({ socket }: IncomingMessage, res: ServerResponse): boolean {
    if (socket.destroyed) return false; // what was read before it was cut
    if (res.socket !== null) return true; // none is ahead of it: ordinary clients cost no more than this look
    const before = this.#waiting.get(socket) ?? 0;
    if (before >= PIPELINED_MAX) {
      socket.destroy();
      return false;
    }
    this.#waiting.set(socket, before + 1);
    res.once("close", () => this.#waiting.set(socket, this.#waiting.get(socket)! - 1));
    return true;
  }
}
