/**
 * Where byte-stream sockets listen and connect to.
 *
 * @module
 */
import type { Socket } from "node:net";
import { TransportError } from "../../lib/core/errors.ts";

/** A port of a host, or a socket file. */
export type SocketAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/**
 * The address of a `tcp:`, `tls:` or `unix:` URL.
 *
 * @throws {TransportError} no port or no path, or a path that is longer than a socket address
 */
export function addressOf(url: URL): SocketAddress {
  const where = url.href.replace(/[?#].*$/s, "");
  if (url.protocol === "unix:") {
    const path = decodeURIComponent(url.pathname);
    const problem = pathProblem(path);
    if (problem === undefined) return { path };
    throw new TransportError(`Cannot use ${where}: ${problem}`);
  }
  if (url.port === "") throw new TransportError(`Cannot use ${where}: it names no port`);
  return { host: hostOf(url), port: Number(url.port) };
}

/** The host of a URL, IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** Bytes of a socket path that fit a socket address with its end: Linux has 108, macOS 104. */
const PATH_BYTES_MAX = 103;

function pathProblem(path: string): string | undefined {
  if (path.length < 2) return "it names no file; write unix:///path";
  if (path.includes("\0")) return "its path holds a NUL";
  const { length } = new TextEncoder().encode(path);
  if (length > PATH_BYTES_MAX) return `its path is longer than ${PATH_BYTES_MAX} bytes`;
}

/** The address of a socket's peer for logs. */
export function peerAddress({ remoteAddress, remotePort, remoteFamily }: Socket): string {
  if (remoteAddress === undefined) return "unix socket";
  return remoteFamily === "IPv6"
    ? `[${remoteAddress}]:${remotePort}`
    : `${remoteAddress}:${remotePort}`;
}
