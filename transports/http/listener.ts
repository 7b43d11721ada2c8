/**
 * One HTTP/1.1 listener on `node:http`: every timeout and limit of the listener, the checks of a
 * request's head, and routing by path. `Deno.serve` has no timeouts at all and dies of one EMFILE.
 *
 * @module
 */
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import net from "node:net";
import type { Socket } from "node:net";
import { monotonicMs } from "../../lib/core/clock.ts";
import { GatewayError, reasonOf, TransportError } from "../../lib/core/errors.ts";
import { WRITE_STALL_MS } from "../../lib/core/limits.ts";
import { HostCheck } from "./host_check.ts";
import { HEADER_FIELDS_MAX, headProblem, type HeadRules } from "./head_check.ts";
import { answer, refuse, refuseSocket } from "./refusal.ts";
import { type HttpListenerOptions, serverOptions } from "./listener_options.ts";
import { SelfProbe } from "./self_probe.ts";
import { StallWatch } from "./stall_watch.ts";

/** Answers one path. `expectsContinue`: the client waits for 100 before it sends its body. */
export type RouteHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  expectsContinue: boolean,
) => void;

const SWEEP_MS = 1000;
const NOT_FOUND = new TextEncoder().encode('{"error":"not found"}');

/** A bound port. Disposing it stops accepting; requests being answered go on. */
export class HttpListener implements AsyncDisposable {
  /** Resolves when the last connection has ended after the listener was disposed. */
  readonly closed: Promise<void>;
  readonly #options: HttpListenerOptions;
  readonly #hostname: string;
  readonly #server: http.Server;
  readonly #routes = new Map<string, RouteHandler>();
  readonly #sockets = new Set<Socket>();
  readonly #sweeps = new Set<(nowMs: number) => void>();
  readonly #stalls: StallWatch;
  readonly #probePath = `/.probe-${crypto.randomUUID()}`;
  #probe: SelfProbe | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  #rules!: HeadRules;
  #accepted = 0;
  #isDraining = false;
  #resolveClosed!: () => void;

  private constructor(hostname: string, options: HttpListenerOptions) {
    this.#hostname = hostname;
    this.#options = options;
    this.#stalls = new StallWatch(options.writeStallMs ?? WRITE_STALL_MS);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.#server = http.createServer(serverOptions(options));
    this.#server.maxHeadersCount = 0; // counted by headProblem, which must see them all
    this.#server.on("request", (req, res) => this.#onRequest(req, res, false));
    this.#server.on("checkContinue", (req, res) => this.#onRequest(req, res, true));
    this.#server.on("connection", (socket) => this.#onConnection(socket));
    // While bound only accept can fail, which the self-probe sees; without a listener it would end the process.
    this.#server.on("error", () => {});
    this.#server.on("clientError", (error, socket) => this.#onClientError(error, socket as Socket));
  }

  /**
   * Binds a port.
   *
   * @param hostname name or address, IPv6 without brackets
   * @param port 0 for any
   * @throws {TransportError} when the address cannot be bound
   */
  static async bind(
    hostname: string,
    port: number,
    options: HttpListenerOptions = {},
  ): Promise<HttpListener> {
    const listener = new HttpListener(hostname, options);
    await listener.#listen(port);
    listener.#start();
    return listener;
  }

  /** Port that is bound. */
  get port(): number {
    return this.#rules.port;
  }

  /** Where it listens. */
  get url(): URL {
    const host = this.#hostname.includes(":") ? `[${this.#hostname}]` : this.#hostname;
    return new URL(`http://${host}:${this.port}/`);
  }

  /** Connections open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Whether it has stopped accepting. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Answers a path with a handler, from the next request on. */
  route(path: string, handler: RouteHandler): void {
    this.#routes.set(path, handler);
  }

  /** Calls a function about once a second until the last connection has ended: one timer for all streams. */
  onSweep(sweep: (nowMs: number) => void): void {
    this.#sweeps.add(sweep);
  }

  /** Ends every connection that is left: the hard end of a drain. */
  destroyConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Stops accepting at once and closes idle connections; see {@link HttpListener.closed}. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDraining) return Promise.resolve();
    this.#isDraining = true;
    this.#probe?.close();
    this.#unlisten();
    this.#server.closeIdleConnections();
    if (this.#sockets.size === 0) this.#stop();
    return Promise.resolve();
  }

  #start(): void {
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    Deno.unrefTimer(this.#sweepTimer as unknown as number);
    const intervalMs = this.#options.probeIntervalMs ?? 5000;
    if (intervalMs === 0) return;
    this.#probe = new SelfProbe({
      hostname: this.#hostname,
      port: this.port,
      path: this.#probePath,
      accepted: () => this.#accepted,
      relisten: () => this.#relisten(),
    }, { intervalMs, timeoutMs: this.#options.probeTimeoutMs ?? 2000 });
  }

  #stop(): void {
    clearInterval(this.#sweepTimer);
    // Not listening any more, it answers with an error: this is for its interval of checks alone.
    this.#server.close(() => this.#resolveClosed());
  }

  #listen(port: number): Promise<void> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => {
        server.off("listening", onListening);
        const where = `${this.#hostname}:${port}`;
        reject(
          new TransportError(`Cannot listen on ${where}: ${reasonOf(error)}`, { cause: error }),
        );
      };
      const onListening = () => {
        server.off("error", onError);
        this.#rules = {
          hosts: new HostCheck(this.#hostname, this.#options),
          port: (server.address() as net.AddressInfo).port,
          fieldsMax: this.#options.headerFieldsMax ?? HEADER_FIELDS_MAX,
        };
        resolve();
      };
      server.once("error", onError).once("listening", onListening);
      server.listen({ port, host: this.#hostname, backlog: 1024 });
    });
  }

  /** Closes the listening socket only. `http.Server.close` would also stop the timeouts of what is running. */
  #unlisten(): void {
    if (!this.#server.listening) return;
    // In Deno 2.6 an http.Server is no net.Server.
    if (this.#server instanceof net.Server) net.Server.prototype.close.call(this.#server);
    else (this.#server as http.Server).close();
  }

  async #relisten(): Promise<void> {
    this.#unlisten();
    try {
      await this.#listen(this.port);
      this.#options.onRelisten?.();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error; // else: the next probe finds it dead again
    }
  }

  #onConnection(socket: Socket): void {
    this.#accepted++;
    if (this.#sockets.size >= (this.#options.connectionsMax ?? Infinity)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#stalls.forget(socket);
      if (this.#isDraining && this.#sockets.size === 0) this.#stop();
    });
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    this.#options.onRefused?.(0);
    refuseSocket(error, socket);
  }

  #onRequest(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    try {
      this.#dispatch(req, res, expectsContinue);
    } catch (error) { // of a handler: costs its own request, not the process
      this.#options.onRefused?.(500);
      if (res.headersSent) return void res.destroy();
      const cause = new GatewayError("InternalError", "Cannot answer: internal error", {
        cause: error,
        fatal: true,
      });
      refuse(req, res, cause);
    }
  }

  #dispatch(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    if (req.url === this.#probePath) return void res.writeHead(204).end();
    if (this.#isDraining) res.shouldKeepAlive = false;
    const problem = headProblem(req, this.#rules);
    if (problem !== undefined) {
      this.#options.onRefused?.(problem.status);
      return refuse(req, res, problem);
    }
    const handler = this.#routes.get(pathOf(req.url!));
    if (handler !== undefined) return handler(req, res, expectsContinue);
    const fallback = this.#options.fallback;
    if (fallback === undefined) return notFound(req, res);
    if (expectsContinue) res.writeContinue();
    fallback(req, res);
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    const stalled = this.#stalls.sweep(this.#sockets, nowMs);
    if (stalled > 0) this.#options.onStalled?.(stalled);
    if (this.#isDraining) this.#server.closeIdleConnections();
    for (const sweep of this.#sweeps) sweep(nowMs);
  }
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

function notFound(req: IncomingMessage, res: ServerResponse): void {
  const length = String(NOT_FOUND.length);
  answer(req, res, 404, ["content-type", "application/json", "content-length", length], NOT_FOUND);
}
