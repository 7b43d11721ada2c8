/**
 * Who sent a request, as far as its TLS connection tells.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type tls from "node:tls";
import type { TlsIdentity } from "../../lib/core/connection.ts";
import { identityOf } from "../tls/identity.ts";
import { relayedFrom } from "../workers/origin.ts";

/** Asked once for a connection, which does not change its mind. `null`: it has proved nothing. */
const remembered = new WeakMap<object, TlsIdentity | null>();

/** The client's certificate; `undefined` when it was not asked for one, or the connection is not secured. */
export function tlsIdentityOf(req: IncomingMessage): TlsIdentity | undefined {
  const origin = relayedFrom(req);
  if (origin !== undefined) return origin.tls;
  // A stream of HTTP/2 has proved what the connection has that carries it.
  const socket = ((req.socket as { carrier?: Socket }).carrier ?? req.socket) as tls.TLSSocket;
  if (socket.encrypted !== true) return undefined;
  let identity = remembered.get(socket);
  if (identity === undefined) remembered.set(socket, identity = identityOf(socket) ?? null);
  return identity ?? undefined;
}
