/**
 * The server beneath a listener: `node:http` on a port, or `node:https`, and the connections that it has
 * accepted.
 *
 * HTTP/2 is terminated elsewhere (`transports/http2/`) and its requests come here as connections of their own:
 * under Deno 2.9.6 the whole process ends by an assertion of nghttp2 when an ordinary client says GOAWAY to a
 * server of `node:http2`, and by a segmentation fault within a hundred hostile connections.
 *
 * @module
 */
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import net from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type tls from "node:tls";
import { monotonicMs } from "../../lib/core/clock.ts";
import { reasonOf, TransportError } from "../../lib/core/errors.ts";
import { Http2Sessions } from "../http2/sessions.ts";
import { addressBelow, failureOf, type TlsFailure } from "../tls/handshakes.ts";
import { newcomersHeard } from "../guard/inherited_socket.ts";
import { type HttpListenerOptions, serverOptions } from "./listener_options.ts";

/** What a listener is told. */
export interface ServerHooks {
  /** A connection was accepted, also one that is refused at once. */
  accepted(): void;
  request(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Uint8Array): void;
  /** Bytes came that were no request. */
  clientError(error: NodeJS.ErrnoException, socket: Socket): void;
  /** A TLS handshake failed. */
  broken(): void;
  /** A connection has ended. */
  ended(socket: Socket): void;
}

const TLS_HANDSHAKE_MS = 5000;

/** A server that can be bound, unbound and bound again, and its connections. */
export class BoundServer {
  /** Connections open now: those of TLS after their handshake, and raw ones. */
  readonly sockets = new Set<Socket>();
  /** Connections accepted so far. */
  accepted = 0;
  readonly #hostname: string;
  readonly #options: HttpListenerOptions;
  readonly #hooks: ServerHooks;
  readonly #server: http.Server;
  readonly #http2: Http2Sessions;
  /** Raw connections in the middle of their handshake, by remote address and port. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly sinceMs: number }>();

  constructor(hostname: string, options: HttpListenerOptions, hooks: ServerHooks) {
    this.#hostname = hostname;
    this.#options = options;
    this.#hooks = hooks;
    const { tls } = options;
    const limits = serverOptions(options);
    const server = tls === undefined
      ? http.createServer(limits)
      : https.createServer({ ...tls, ...limits });
    this.#server = server;
    server.maxHeadersCount = 0; // counted by headProblem, which must see them all
    server.on("request", (req, res) => hooks.request(req, res, false));
    server.on("checkContinue", (req, res) => hooks.request(req, res, true));
    server.on("upgrade", (req, socket, head) => hooks.upgrade(req, socket, head));
    server.on("clientError", (error, socket) => hooks.clientError(error, socket as Socket));
    // While bound only accept can fail, which the self-probe sees; without a listener it would end the process.
    server.on("error", () => {});
    server.on("connection", (socket) => this.#onConnection(socket));
    this.#http2 = new Http2Sessions(server, {
      firstRequestMs: limits.headersTimeout,
      idleMs: limits.keepAliveTimeout,
      onViolation: (reason, socket) => {
        hooks.broken();
        options.onViolation?.(reason, socket.remoteAddress);
      },
    }, options.connections);
    if (tls !== undefined) this.#followHandshakes(server);
  }

  /**
   * Binds a port. Resolves with the one that was bound.
   *
   * @throws {TransportError} when the address cannot be bound
   */
  listen(port: number): Promise<number> {
    const server = this.#server, hostname = this.#hostname;
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) => {
        server.off("listening", onListening);
        const where = `${hostname}:${port}`;
        reject(new TransportError(`Cannot listen on ${where}: ${reasonOf(cause)}`, { cause }));
      };
      const onListening = () => {
        server.off("error", onError);
        resolve((server.address() as net.AddressInfo).port);
      };
      server.once("error", onError).once("listening", onListening);
      const { inherited, workers } = this.#options;
      if (inherited !== undefined) {
        inherited.onLeave(this.#leave);
        return void server.listen({ fd: inherited.duplicate() });
      }
      const reusePort = workers !== undefined;
      server.listen({ port, host: hostname, backlog: 1024, reusePort });
    });
  }

  /** Requests under way over HTTP/2, as far as they are sockets: what waits in them, and ending them. */
  streams(): Iterable<Socket> {
    return this.#http2.streams();
  }

  /** Closes the listening socket only. `http.Server.close` would also stop the timeouts of what is running. */
  unlisten(): void {
    if (!this.#server.listening) return;
    // In Deno 2.6 an http.Server is no net.Server.
    if (this.#server instanceof net.Server) net.Server.prototype.close.call(this.#server);
    else (this.#server as http.Server).close();
  }

  readonly #leave = async (): Promise<void> => {
    this.unlisten();
    await newcomersHeard(() =>
      this.#handshakes.size > 0 || this.sockets.values().some(({ bytesRead }) => bytesRead === 0)
    );
  };

  /** Ends what waits for a request. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
    this.#http2.leave();
    // The server's own notion of idle leaves out connections that have never said anything.
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
    for (const { socket } of this.#handshakes.values()) socket.destroy();
  }

  /** Enforces what the runtime does not. */
  sweep(nowMs: number): void {
    this.#http2.sweep(nowMs);
    const handshakeMs = this.#options.tlsHandshakeMs ?? TLS_HANDSHAKE_MS;
    for (const { socket, sinceMs } of this.#handshakes.values()) {
      if (nowMs - sinceMs <= handshakeMs) continue;
      if (socket.bytesRead > 0) this.#broken(["handshake_failure", "it takes too long"], socket);
      socket.destroy();
    }
  }

  /** Ends the server's own timers; calls back when that is done. */
  stop(done: () => void): void {
    // Not listening any more, it calls back with an error.
    void this.#http2.ended().then(() => this.#server.close(() => done()));
  }

  #onConnection(socket: Socket): void {
    this.accepted++;
    this.#hooks.accepted();
    const { connections } = this.#options;
    const release = connections?.admit(
      socket.remoteAddress,
      this.#options.tls === undefined ? "http" : "https",
      socket,
    );
    if (connections !== undefined && release === undefined) return void socket.destroy();
    if (release !== undefined) socket.once("close", release);
    this.#track(socket);
    if (this.#options.tls === undefined) return;
    const key = remoteOf(socket);
    this.#handshakes.set(key, { socket, sinceMs: monotonicMs() });
    socket.once("close", () => this.#handshakes.delete(key));
  }

  #track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once("close", () => {
      if (this.sockets.delete(socket)) this.#hooks.ended(socket);
    });
  }

  /** Watches the secured connections from the end of their handshake on, instead of the raw ones. */
  #followHandshakes(server: http.Server): void {
    server.prependListener("secureConnection", (socket: tls.TLSSocket) => {
      const key = remoteOf(socket);
      const raw = this.#handshakes.get(key)?.socket;
      if (raw === undefined) return void socket.destroy(); // it was refused or has gone
      this.#handshakes.delete(key);
      this.#track(socket);
      this.sockets.delete(raw); // closes with the other, which counts from now on
      socket.on("error", () => {}); // "close" follows
      this.#http2.offer(socket, raw);
    });
    server.on("tlsClientError", (error: Error, socket: tls.TLSSocket) => {
      const failure = failureOf(error, socket);
      if (failure !== undefined) this.#broken(failure, socket);
      socket.destroy();
    });
  }

  #broken(failure: readonly [TlsFailure, reason: string], socket: Socket): void {
    this.#hooks.broken();
    this.#options.onTlsFailed?.(...failure, addressBelow(socket));
  }
}

function remoteOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
