/**
 * Where a request came from: its own connection, or what the worker tells that has relayed it.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { TlsIdentity } from "../../lib/core/connection.ts";

/** The client's end of the connection on which a request came in at another worker. */
export interface Origin {
  readonly address: string;
  readonly port: number;
  /** What the client's certificate proved there; absent when it has none. */
  readonly tls?: TlsIdentity;
}

const relayed = new WeakMap<IncomingMessage, Origin>();

/** Says where a relayed request came from. */
export function setOrigin(req: IncomingMessage, origin: Origin): void {
  relayed.set(req, origin);
}

/** Where a relayed request came from; `undefined` for one that came here by itself. */
export function relayedFrom(req: IncomingMessage): Origin | undefined {
  return relayed.get(req);
}

/** The peer's IP address; `""` when its connection has gone. */
export function remoteAddressOf(req: IncomingMessage): string {
  return relayed.get(req)?.address ?? req.socket.remoteAddress ?? "";
}

/** The peer's port. */
export function remotePortOf(req: IncomingMessage): number | undefined {
  return relayed.get(req)?.port ?? req.socket.remotePort;
}
