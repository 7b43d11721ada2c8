/**
 * Connections that leave HTTP for another protocol.
 *
 * @module
 */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { failure } from "../../lib/core/compose.ts";
import { GatewayError } from "../../lib/core/errors.ts";

/**
 * Takes over the connection of a request that asked for the protocol `websocket`, after the checks of its
 * head. `head`: what came behind the request already.
 */
export type UpgradeHandler = (req: IncomingMessage, socket: Socket, head: Uint8Array) => void;

/** Whether a request asks for the one protocol that can be had; other wishes are ignored (RFC 9110, 7.8). */
export function wantsUpgrade(req: IncomingMessage): boolean {
  return req.headers.upgrade?.toLowerCase() === "websocket";
}

/** The paths that can be upgraded, and the connections that were. */
export class Upgrades {
  /** Open connections that speak another protocol now, with limits of their own. */
  readonly sockets = new Set<Socket>();
  readonly #handlers = new Map<string, UpgradeHandler>();

  /** Hands over what asks for an upgrade on a path, from the next request on. */
  set(path: string, handler: UpgradeHandler): void {
    this.#handlers.set(path, handler);
  }

  /**
   * Hands a connection over, or refuses it.
   *
   * @param problem why it must be refused, as far as the listener knows
   * @returns the status it was refused with; `undefined` when it was handed over
   */
  take(
    req: IncomingMessage,
    socket: Socket,
    head: Uint8Array,
    problem: GatewayError | undefined,
  ): number | undefined {
    socket.on("error", () => {}); // "close" follows; node:http has taken its own listener away
    const handler = this.#handlers.get(req.url!.split("?", 1)[0]);
    const refusal = problem ?? (handler === undefined ? NOTHING_HERE : undefined);
    if (refusal !== undefined) {
      refuseUpgrade(socket, refusal);
      return refusal.status;
    }
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
    try {
      handler!(req, socket, head);
    } catch { // costs its own connection, not the process
      socket.destroy();
      return 500;
    }
  }
}

/** Refuses to upgrade a connection, and closes it: what the client sent behind its request is never read. */
export function refuseUpgrade(socket: Socket, error: GatewayError): void {
  const body = failure(undefined, error).bytes;
  const lines = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    "connection: close",
    "content-type: application/json",
    `content-length: ${body.length}`,
    ...Object.entries(error.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  socket.end(body);
  socket.destroySoon();
}

const NOTHING_HERE = new GatewayError("InvalidRequest", "Cannot upgrade: no such endpoint", {
  status: 404,
});
