/**
 * One HTTP listener, in the clear or over TLS (then HTTP/2, too), with every timeout and limit, the checks of a request's
 * head, and routing by path. `Deno.serve` has no timeouts at all and dies of one EMFILE.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { monotonicMs } from "../../lib/core/clock.ts";
import { GatewayError, TransportError } from "../../lib/core/errors.ts";
import { WRITE_STALL_MS } from "../../lib/core/limits.ts";
import { reachable, SelfProbe, sharers } from "../guard/self_probe.ts";
import { BoundServer } from "./bound_server.ts";
import { mayCompress } from "./compression.ts";
import { Cors, isPreflight } from "./cors.ts";
import { HostCheck } from "./host_check.ts";
import { HEADER_FIELDS_MAX, headProblem, type HeadRules } from "./head_check.ts";
import type { HttpListenerOptions } from "./listener_options.ts";
import { Pipelines } from "./pipelines.ts";
import { notFound, redirectToHttps, refuse, refuseByFault, refuseSocket } from "./refusal.ts";
import { StallWatch } from "./stall_watch.ts";
import { TrustedProxies } from "./trusted_proxies.ts";
import { type UpgradeHandler, Upgrades } from "./upgrades.ts";

/** Answers one path. `expectsContinue`: the client waits for 100 before it sends its body. */
export type RouteHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  expectsContinue: boolean,
) => void;

const SWEEP_MS = 1000;
/** While it drains, each connection that has become idle holds up the end. */
const DRAIN_SWEEP_MS = 50;

/** A bound port. Disposing it stops accepting; requests being answered go on. */
export class HttpListener implements AsyncDisposable {
  /** Resolves when the last connection has ended after the listener was disposed. */
  readonly closed: Promise<void>;
  /** Whose word about a client's address is taken. */
  readonly proxies: TrustedProxies;
  readonly #options: HttpListenerOptions;
  readonly #hostname: string;
  readonly #server: BoundServer;
  readonly #cors: Cors;
  readonly #routes = new Map<string, RouteHandler>();
  readonly #upgrades = new Upgrades();
  readonly #sweeps = new Set<(nowMs: number) => void>();
  readonly #stalls: StallWatch;
  readonly #pipelines = new Pipelines();
  #probe: SelfProbe | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  #rules!: HeadRules;
  #unmount: (() => void) | undefined;
  #isDraining = false;
  #resolveClosed!: () => void;

  private constructor(hostname: string, options: HttpListenerOptions) {
    this.#hostname = hostname;
    this.#options = options;
    this.#cors = new Cors(options.allowedOrigins);
    this.proxies = new TrustedProxies(options.trustedProxies);
    this.#stalls = new StallWatch(options.writeStallMs ?? WRITE_STALL_MS);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.#server = new BoundServer(hostname, options, {
      accepted: () => this.#probe?.accepted(),
      request: (req, res, expectsContinue) => this.#onRequest(req, res, expectsContinue),
      upgrade: (req, socket, head) => this.#onUpgrade(req, socket, head),
      clientError: (error, socket) => this.#onClientError(error, socket),
      broken: () => options.onRefused?.(0),
      ended: () => this.#onEnded(),
    });
  }

  /**
   * Binds a port; with `options.tls` it speaks TLS.
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
    return new URL(`${this.isSecure ? "https" : "http"}://${host}:${this.port}/`);
  }

  /** Whether it speaks TLS. */
  get isSecure(): boolean {
    return this.#options.tls !== undefined;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#server.sockets.size;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#server.accepted;
  }

  /** Whether it has stopped accepting. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Whether the answers to a request may be compressed. */
  compresses(req: IncomingMessage): boolean {
    return mayCompress(req, this.#options.compression ?? "auto", this.proxies);
  }

  /** Hands a request over whose body says that another worker has to answer it. @returns whether it does */
  relayByBody(req: IncomingMessage, res: ServerResponse, body: Uint8Array): boolean {
    return this.#options.workers?.relayByBody(this.url.href, req, res, body) ?? false;
  }

  /** Answers a path with a handler, from the next request on. */
  route(path: string, handler: RouteHandler): void {
    this.#routes.set(path, handler);
  }

  /** Hands connections that ask for the protocol `websocket` on a path to a handler, from the next request on. */
  upgrade(path: string, handler: UpgradeHandler): void {
    this.#upgrades.set(path, handler);
  }

  /** Calls a function about once a second until the last connection has ended: one timer for all streams. */
  onSweep(sweep: (nowMs: number) => void): void {
    this.#sweeps.add(sweep);
  }

  /** Ends every connection that is left: the hard end of a drain. */
  destroyConnections(): void {
    for (const socket of this.#server.sockets) socket.destroy();
  }

  /** Stops accepting at once and closes idle connections; see {@link HttpListener.closed}. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDraining) return Promise.resolve();
    this.#isDraining = true;
    this.#probe?.close();
    this.#server.unlisten();
    this.#server.closeIdle();
    clearInterval(this.#sweepTimer);
    if (this.connections === 0) this.#stop();
    else this.#sweepEvery(DRAIN_SWEEP_MS);
    return Promise.resolve();
  }

  #start(): void {
    this.#sweepEvery(this.#options.sweepMs ?? SWEEP_MS);
    const { workers } = this.#options;
    this.#unmount = workers?.mount(this.url.href, (req, res) => {
      this.#guarded(req, res, () => this.#serve(req, res, false));
    });
    const intervalMs = this.#options.probeIntervalMs ?? 5000;
    if (intervalMs === 0) return;
    this.#probe = new SelfProbe({
      address: { host: reachable(this.#hostname), port: this.port },
      sharedBy: sharers(workers?.place.count, this.#options.inherited),
      relisten: () => this.#relisten(),
    }, { intervalMs, timeoutMs: this.#options.probeTimeoutMs ?? 2000 });
  }

  #sweepEvery(ms: number): void {
    this.#sweepTimer = setInterval(() => this.#sweep(), ms);
    Deno.unrefTimer(this.#sweepTimer as unknown as number);
  }

  #stop(): void {
    clearInterval(this.#sweepTimer);
    this.#unmount?.();
    this.#server.stop(this.#resolveClosed);
  }

  async #listen(port: number): Promise<void> {
    const bound = await this.#server.listen(port);
    this.#rules = {
      hosts: new HostCheck(this.#hostname, this.#options),
      port: bound,
      fieldsMax: this.#options.headerFieldsMax ?? HEADER_FIELDS_MAX,
    };
  }

  async #relisten(): Promise<void> {
    this.#server.unlisten();
    try {
      await this.#listen(this.port);
      this.#options.onRelisten?.();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error; // else: the next probe finds it dead again
    }
  }

  #onEnded(): void {
    if (this.#isDraining && this.connections === 0) this.#stop();
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const isGone = error.code === "ECONNRESET" || error.code === "EPIPE";
    this.#options.onRefused?.(0, isGone ? undefined : socket.remoteAddress);
    refuseSocket(error, socket);
  }

  #onRequest(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    if (!this.#pipelines.admit(req, res)) return;
    this.#guarded(req, res, () => this.#dispatch(req, res, expectsContinue));
  }

  #guarded(req: IncomingMessage, res: ServerResponse, act: () => void): void {
    try {
      act();
    } catch (error) { // of a handler: costs its own request, not the process
      this.#options.onRefused?.(500);
      refuseByFault(req, res, error);
    }
  }

  #dispatch(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    if (this.#isDraining) res.shouldKeepAlive = false;
    const problem = headProblem(req, this.#rules);
    if (problem !== undefined) {
      this.#options.onRefused?.(problem.status, this.proxies.clientAddress(req));
      return refuse(req, res, problem);
    }
    const { httpsPort, workers } = this.#options;
    if (httpsPort !== undefined && !this.proxies.saysHttps(req)) {
      return redirectToHttps(req, res, httpsPort);
    }
    if (workers?.relayByHead(this.url.href, req, res, expectsContinue)) return;
    this.#serve(req, res, expectsContinue);
  }

  /** What has passed the checks of its head, here or at another worker. */
  #serve(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const handler = this.#routes.get(pathOf(req.url!));
    if (handler !== undefined) return this.#route(handler, req, res, expectsContinue);
    const { fallback } = this.#options;
    if (fallback === undefined) return notFound(req, res);
    if (expectsContinue) res.writeContinue();
    fallback(req, res);
  }

  #route(
    handler: RouteHandler,
    req: IncomingMessage,
    res: ServerResponse,
    expectsContinue: boolean,
  ): void {
    const isAllowed = this.#cors.allow(req, res);
    if (isPreflight(req)) this.#cors.preflight(res, isAllowed);
    else handler(req, res, expectsContinue);
  }

  #onUpgrade(req: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const problem = this.#isDraining ? DRAINING : headProblem(req, this.#rules);
    const status = this.#upgrades.take(req, socket as Socket, head, problem);
    if (status !== undefined) this.#options.onRefused?.(status, this.proxies.clientAddress(req));
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    const { sockets } = this.#server;
    const stalled = this.#stalls.sweep(sockets.difference(this.#upgrades.sockets), nowMs) +
      this.#stalls.sweep(this.#server.streams(), nowMs);
    if (stalled > 0) this.#options.onStalled?.(stalled);
    this.#server.sweep(nowMs);
    if (this.#isDraining) this.#server.closeIdle();
    for (const sweep of this.#sweeps) sweep(nowMs);
  }
}

const DRAINING = new GatewayError("Overloaded", "Cannot accept connection: shutting down", {
  headers: { "retry-after": "1" },
});

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}
