/**
 * The socket below a WebSocket that is dialled.
 *
 * @module
 */
import net from "node:net";
import type { Socket } from "node:net";
import tls from "node:tls";
import { clientTlsOptions, tlsParametersOf } from "../tls/parameters.ts";
import { checkPins } from "../tls/pinning.ts";

/**
 * A socket that requests can be written to. With TLS its handshake is done and its key is a pinned one: not
 * a byte leaves before. Without TLS it may still be connecting.
 *
 * @throws {TransportError} TLS parameters that cannot be used, or another key than those pinned
 * @throws whatever failed below, or the signal's reason
 */
export async function openSocket(url: URL, signal: AbortSignal): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "wss:") {
    return net.connect({ host, port: Number(url.port || 80), noDelay: true });
  }
  const parameters = tlsParametersOf(url);
  const options = await clientTlsOptions(parameters, host, ["http/1.1"]);
  signal.throwIfAborted();
  const socket = tls.connect({ ...options, host, port: Number(url.port || 443) });
  await secured(socket, signal);
  checkPins(socket, parameters);
  socket.setNoDelay(true);
  return socket;
}

function secured(socket: tls.TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.off("secureConnect", onSecured).off("error", onError).off("close", onClose);
      then();
    };
    const giveUp = (error: unknown) =>
      settle(() => {
        socket.on("error", () => {}); // told already
        socket.destroy();
        reject(error);
      });
    const onSecured = () => settle(resolve);
    const onError = (error: Error) => giveUp(error);
    const onClose = () => giveUp(new Error("it closed the connection during the TLS handshake"));
    const onAbort = () => giveUp(signal.reason);
    signal.addEventListener("abort", onAbort);
    socket.on("secureConnect", onSecured).on("error", onError).on("close", onClose);
  });
}
