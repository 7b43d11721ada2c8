/**
 * Binds a listening socket: to a port, or to a socket file that only its owner can use.
 *
 * @module
 */
import { lstat, unlink } from "node:fs/promises";
import net from "node:net";
import process from "node:process";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import type { InheritedSocket } from "../guard/inherited_socket.ts";
import type { SocketAddress } from "./address.ts";

/** Connections that wait to be accepted; the system may allow fewer. */
const BACKLOG = 1024;
/** Everything but reading and writing by the owner: the file is never open to others, not even at first. */
const PRIVATE_UMASK = 0o177;
const ANSWER_MS = 1000;

/** How a listening socket is not one process's own. */
export interface SharedSocket {
  /** Other processes of the same user may listen on the port. */
  readonly reusePort?: boolean;
  /** Listens already. */
  readonly inherited?: InheritedSocket;
}

/**
 * Binds a server. The file of a unix socket is replaced when nobody answers behind it; it is removed when the
 * server is closed.
 *
 * @param url for error messages
 * @param shared how other processes may listen there, too: on the port, or by the same socket
 * @returns where it really listens (port 0 resolved)
 * @throws {TransportError} when the address cannot be bound
 */
export async function bind(
  server: net.Server,
  address: SocketAddress,
  url: URL,
  { reusePort = false, inherited }: SharedSocket = {},
): Promise<SocketAddress> {
  const where = url.href.replace(/[?#].*$/s, "");
  try {
    if (inherited !== undefined) {
      await listening(server, () => server.listen({ fd: inherited.duplicate() }));
      return address;
    }
    if ("path" in address) {
      await removeStale(address.path);
      await listening(server, () => listenPrivately(server, address.path));
      return address;
    }
    await listening(server, () => server.listen({ ...address, backlog: BACKLOG, reusePort }));
    return { host: address.host, port: (server.address() as net.AddressInfo).port };
  } catch (error) {
    throw new TransportError(`Cannot listen on ${where}: ${reasonOf(error)}`, { cause: error });
  }
}

function listening(server: net.Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    listen();
  });
}

/** The file comes into being within the call. */
function listenPrivately(server: net.Server, path: string): void {
  const umask = process.umask(PRIVATE_UMASK);
  try {
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(umask);
  }
}

/** Removes a socket file that a process has left behind. */
async function removeStale(path: string): Promise<void> {
  let isSocket: boolean;
  try {
    isSocket = (await lstat(path)).isSocket();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (!isSocket) throw new TransportError("there is a file that is no socket");
  if (await answers(path)) throw new TransportError("another process listens there");
  await unlink(path);
}

/** Whether somebody listens: only a refusal proves that nobody does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    const timer = setTimeout(() => end(true), ANSWER_MS);
    const end = (isAnswered: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once("connect", () => end(true));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => end(code !== "ECONNREFUSED"));
  });
}
