/**
 * Opens byte-stream sockets.
 *
 * @module
 */
import net from "node:net";
import type { Socket } from "node:net";
import tls from "node:tls";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { clientTlsOptions, tlsParametersOf } from "../tls/parameters.ts";
import { checkPins } from "../tls/pinning.ts";
import { flowBelow } from "../tls/raw_flow.ts";
import { addressOf, hostOf } from "./address.ts";
import { SocketSource } from "./source.ts";

/** Probes of an idle connection start after this, ms: one whose other end has vanished is found. */
export const KEEP_ALIVE_MS = 15_000;

/** The protocol offered by ALPN on byte streams; not registered, so a peer without ALPN is fine too. */
export const ALPN = ["mcp"] as const;

/** An open socket. */
export interface Dialled {
  readonly socket: Socket;
  /** Made from it. */
  readonly source: SocketSource;
}

/**
 * Connects to a `tcp:` or `unix:` URL. A server that ends its side ends the connection: it has no answers any more.
 *
 * @throws {TransportError} nobody answers, or the signal aborts first
 */
export async function dial(url: URL, signal: AbortSignal): Promise<Dialled> {
  const socket = await connect(url, signal);
  return { socket, source: new SocketSource(socket) };
}

/**
 * Connects to a `tls:` URL. The peer's certificate and the pins have been checked when this resolves; until
 * then nothing of ours was sent.
 *
 * @throws {TransportError} nobody answers, the peer cannot be trusted, or the signal aborts first
 */
export async function dialTls(url: URL, signal: AbortSignal): Promise<Dialled> {
  const parameters = tlsParametersOf(url);
  const options = await clientTlsOptions(parameters, hostOf(url), ALPN);
  const raw = await connect(url, signal);
  const socket = tls.connect({ ...options, socket: raw });
  await opened(url, socket, "secureConnect", signal);
  checkPins(socket, parameters);
  return { socket, source: new SocketSource(socket, flowBelow(raw)) };
}

async function connect(url: URL, signal: AbortSignal): Promise<Socket> {
  const socket = net.connect(addressOf(url));
  await opened(url, socket, "connect", signal);
  if (url.protocol !== "unix:") {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }
  return socket;
}

function opened<S extends Socket>(
  url: URL,
  socket: S,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<S>();
  const fail = (reason: unknown) => {
    socket.destroy();
    const where = url.href.replace(/[?#].*$/s, "");
    reject(new TransportError(`Cannot reach ${where}: ${whyNot(reason)}`, { cause: reason }));
  };
  const onAbort = () => fail(signal.reason);
  const onClose = () => fail(new Error("it closed the connection"));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("error", fail).once("close", onClose);
  socket.once(event, () => resolve(socket));
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    signal.removeEventListener("abort", onAbort);
    socket.off("close", onClose); // `fail` stays: an error without a listener would end the process
  });
}

/** A host with several addresses fails with all their failures. */
function whyNot(reason: unknown): string {
  return reasonOf(reason instanceof AggregateError ? reason.errors[0] : reason);
}
