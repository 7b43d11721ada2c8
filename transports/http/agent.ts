/**
 * Keep-alive connections to one HTTP server.
 *
 * `node:http` with an agent, not `fetch`: 34 us of CPU a call against 37, and against 62 when the body is
 * read as a stream, which event streams need (Deno 2.9.6, 40,000 POSTs, 32 in flight, one core).
 *
 * @module
 */
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { isTlsParameter } from "../../lib/core/url_parameters.ts";
import type { Duplex } from "node:stream";
import { clientTlsOptions, type TlsParameters, tlsParametersOf } from "../tls/parameters.ts";
import { checkPins } from "../tls/pinning.ts";

/** Times of an agent, ms. */
export interface AgentTimes {
  /** Until a connection is made. */
  readonly connectTimeoutMs: number;
  /** How long an unused connection is kept. Less than the 5 s of common servers: one that closes while we write makes the outcome unknown. */
  readonly idleMs: number;
}

const FREE_SOCKETS_MAX = 256;

/** Deno 2.6 hangs up on a request over a socket that was connected before (seen with 2.6.8). */
const CAN_TAKE_CONNECTED = !Deno.version.deno.startsWith("2.6.");

/** Where an HTTP server listens. */
export interface Target {
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether TLS lies below HTTP. */
  readonly isSecure: boolean;
  /** How to speak it, see {@link securedTargetOf}. */
  readonly tls?: { readonly options: tls.ConnectionOptions; readonly parameters: TlsParameters };
}

/** The target of an `http:` or `https:` URL, as far as its address goes. */
export function targetOf(url: URL): Target {
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { host, port: Number(url.port || (isSecure ? 443 : 80)), isSecure };
}

/** A URL without what its query says to us about TLS: as its server is to see it. */
export function withoutTlsParameters(url: URL): URL {
  if (url.protocol !== "https:") return url;
  const plain = new URL(url);
  const pairs = url.search.slice(1).split("&");
  plain.search = pairs.filter((pair) => !isTlsParameter(url, pair.replace(/=.*/s, ""))).join("&");
  return plain;
}

/**
 * A target with what its URL says about TLS.
 *
 * @throws {TransportError} a file that cannot be used, or a pin that is none
 */
export async function securedTargetOf(url: URL): Promise<Target> {
  const target = targetOf(url);
  if (!target.isSecure) return target;
  const parameters = tlsParametersOf(url);
  const options = await clientTlsOptions(parameters, target.host, ["http/1.1"]);
  return { ...target, tls: { options, parameters } };
}

/** An `http.Agent` with a deadline for connecting, that can be given a connection made before. */
export class UpstreamAgent extends http.Agent {
  readonly #target: Target;
  readonly #connectTimeoutMs: number;
  #spare: net.Socket | undefined;

  constructor(target: Target, times: AgentTimes) {
    super({
      keepAlive: true,
      timeout: times.idleMs,
      maxFreeSockets: FREE_SOCKETS_MAX,
      scheduling: "lifo",
    });
    this.#target = target;
    this.#connectTimeoutMs = times.connectTimeoutMs;
  }

  /** Hands over an open connection for the first request. */
  lend(socket: net.Socket): void {
    if (CAN_TAKE_CONNECTED) this.#spare = socket;
    else socket.destroy();
  }

  override createConnection(_options: http.ClientRequestArgs, done?: Created): Duplex {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && !spare.destroyed && spare.readyState === "open") return spare;
    const socket = connect(this.#target, this.#connectTimeoutMs);
    if (!this.#target.isSecure || done === undefined) return socket;
    // What a socket is given before its key is checked would leave with the end of the handshake.
    const failed = (error: Error) => done(error, socket);
    connected(socket, this.#target).then(() => done(null, socket), failed);
    return undefined as unknown as Duplex; // as documented of http.Agent: the callback will tell
  }

  override destroy(): void {
    this.#spare?.destroy();
    super.destroy();
  }
}

type Created = (error: Error | null, socket: Duplex) => void;

/** Opens a connection. A failure to connect carries `syscall: "connect"`, a timeout included. */
export function connect(target: Target, connectTimeoutMs: number): net.Socket {
  const { host, port } = target;
  const socket = target.isSecure
    ? tls.connect({ ...target.tls!.options, port })
    : net.connect({ host, port, noDelay: true });
  const timer = setTimeout(
    () => socket.destroy(unsent(new Error("connecting takes too long"))),
    connectTimeoutMs,
  );
  const done = () => clearTimeout(timer);
  socket.once(readyEvent(target), done).once("close", done);
  if (target.isSecure) socket.setNoDelay(true);
  return socket;
}

/**
 * Resolves when a connection can carry requests: after the handshake, and with a key that is trusted.
 *
 * @throws what broke it; nothing of a request can have left
 */
export function connected(socket: net.Socket, target: Target): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isConnected = false;
  const failed = (error: Error) => {
    if (!isConnected) reject(unsent(error));
  };
  socket.on("error", failed);
  socket.on("close", () => failed(new Error("it closed the connection")));
  socket.once(readyEvent(target), () => {
    try {
      if (target.tls !== undefined) checkPins(socket as tls.TLSSocket, target.tls.parameters);
      isConnected = true;
      resolve();
    } catch (error) {
      failed(error as Error);
    }
  });
  return promise;
}

/** The event after which a connection to the target is made. */
function readyEvent(target: Target): "connect" | "secureConnect" {
  return target.isSecure ? "secureConnect" : "connect";
}

/** Marks an error as one of connecting, see {@link isConnectFailure}. */
function unsent<E extends Error>(error: E): E {
  return Object.assign(error, { syscall: "connect" });
}

/** Whether a request failed before a byte of it could have left: the address was not found or did not accept. */
export function isConnectFailure(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every(isConnectFailure);
  }
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === "connect" || syscall === "getaddrinfo";
}
