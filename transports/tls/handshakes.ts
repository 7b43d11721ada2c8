/**
 * TLS on connections that a listener of ours has accepted: the handshake with its deadline, and why it
 * failed.
 *
 * `tls.Server` only does the handshakes. It does not listen, so that connections can be counted and refused
 * before they cost one; and its own `handshakeTimeout` reports a late client but leaves it connected
 * (Deno 2.9.6).
 *
 * @module
 */
import type { Socket } from "node:net";
import tls from "node:tls";
import { monotonicMs } from "../../lib/core/clock.ts";
import { reasonOf } from "../../lib/core/errors.ts";

/** Why no connection came about: the client's certificate, its refusal or silence, or something that is not TLS. */
export type TlsFailure = "cert_invalid" | "handshake_failure" | "tls_error";

/** What happens to handshakes. */
export interface HandshakeOptions {
  /** Certificate, key and rules, as `serverTlsOptions` makes them. */
  readonly server: tls.SecureContextOptions & tls.TlsOptions;
  /** Time for a handshake, ms. */
  readonly timeoutMs: number;
  /** Takes over a connection whose handshake is done and whose client may come in, with what lies below it. */
  readonly onSecure: (socket: tls.TLSSocket, raw: Socket) => void;
  /** Told of each handshake that failed; not of clients that connect and send nothing. */
  readonly onFailed?: (failure: TlsFailure, reason: string, address?: string) => void;
}

interface Waiting {
  readonly raw: Socket;
  readonly sinceMs: number;
}

const NEVER_MS = 2 ** 31 - 1;

/** Handshakes under way. `sweep` is to be called about once a second. */
export class Handshakes {
  readonly #options: HandshakeOptions;
  readonly #server: tls.Server;
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: HandshakeOptions) {
    this.#options = options;
    // node:tls hands allowHalfOpen on to its sockets; its types leave it out
    const server = { ...options.server, handshakeTimeout: NEVER_MS, allowHalfOpen: true };
    this.#server = tls.createServer(server, (socket) => this.#onSecure(socket));
    this.#server.on("tlsClientError", (error, socket) => {
      const failure = failureOf(error, socket);
      if (failure !== undefined) options.onFailed?.(...failure, addressBelow(socket));
    });
  }

  /** Starts the handshake of an accepted connection. */
  begin(raw: Socket): void {
    const key = keyOf(raw);
    this.#waiting.set(key, { raw, sinceMs: monotonicMs() });
    raw.on("error", () => {}); // of a handshake: reported as tlsClientError; later: by the TLS socket
    raw.once("close", () => this.#waiting.delete(key));
    this.#server.emit("connection", raw);
  }

  /** Ends the handshakes that take too long. */
  sweep(nowMs: number): void {
    for (const [key, { raw, sinceMs }] of this.#waiting) {
      if (nowMs - sinceMs < this.#options.timeoutMs) continue;
      this.#waiting.delete(key);
      if (raw.bytesRead > 0) {
        this.#options.onFailed?.("handshake_failure", "it takes too long", raw.remoteAddress);
      }
      raw.destroy();
    }
  }

  #onSecure(socket: tls.TLSSocket): void {
    socket.on("error", () => {}); // also told to whoever reads and writes; never without a listener
    const key = keyOf(socket);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return void socket.destroy(); // it has just been closed
    this.#waiting.delete(key);
    this.#options.onSecure(socket, waiting.raw);
  }
}

/** Address of the peer of a TLS socket; one whose handshake has failed has forgotten it, the socket below has not. */
export function addressBelow(socket: Socket): string | undefined {
  const { _parent: below } = socket as { _parent?: Socket };
  return socket.remoteAddress ?? below?.remoteAddress;
}

/** What a socket and the TLS socket over it have in common. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/**
 * What a `tlsClientError` event means; `undefined` when the client has just gone, or we have closed the
 * connection ourselves.
 */
export function failureOf(
  error: NodeJS.ErrnoException,
  { authorizationError }: Pick<tls.TLSSocket, "authorizationError">,
): readonly [failure: TlsFailure, reason: string] | undefined {
  // A certificate that is no good is only seen after the handshake, and looks like a lost connection.
  if (authorizationError) return ["cert_invalid", String(authorizationError)];
  const { code = "" } = error;
  if (code === "ECONNRESET") return undefined;
  return [kindOf(code), reasonOf(error)];
}

function kindOf(code: string): TlsFailure {
  if (code.includes("_ALERT_")) return "handshake_failure"; // the client refuses us
  return code.includes("CERT") ? "cert_invalid" : "tls_error";
}
