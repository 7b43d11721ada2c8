/**
 * Accepts byte-stream sockets and hands those on that say something.
 *
 * @module
 */
import net from "node:net";
import type { Socket } from "node:net";
import type tls from "node:tls";
import type { Admit } from "../../lib/core/admission.ts";
import type { Connection, Listener, Peer, TlsIdentity } from "../../lib/core/connection.ts";
import { monotonicMs } from "../../lib/core/clock.ts";
import { TransportError } from "../../lib/core/errors.ts";
import { BUFFER_BYTES_MAX } from "../../lib/core/limits.ts";
import type { ConnectionLimits } from "../guard/connection_limits.ts";
import { FirstMessageWatch } from "../guard/first_message_watch.ts";
import { type InheritedSocket, newcomersHeard } from "../guard/inherited_socket.ts";
import { reachable, SelfProbe, sharers } from "../guard/self_probe.ts";
import { ArrivalQueue } from "../http/arrival_queue.ts";
import { Handshakes, type TlsFailure } from "../tls/handshakes.ts";
import { identityOf } from "../tls/identity.ts";
import { type Flow, flowBelow } from "../tls/raw_flow.ts";
import { peerAddress, type SocketAddress } from "./address.ts";
import { bind } from "./bind.ts";
import type { CodecMaker } from "./codec_choice.ts";
import { SocketConnection } from "./connection.ts";
import { KEEP_ALIVE_MS } from "./dial.ts";
import { SocketSource } from "./source.ts";

/** Limits and hooks of a listener. */
export interface SocketListenerOptions {
  /** Longest message taken, bytes. */
  readonly messageBytesMax?: number;
  /** Bytes that may wait for one client. */
  readonly bufferBytesMax?: number;
  /** Connections that may be open; none: no limit. */
  readonly connections?: ConnectionLimits;
  /** A client that has not sent its first message may be silent for so long, ms. */
  readonly firstMessageMs?: number;
  /** Processes that listen on the same port; absent when it is alone. */
  readonly sharedBy?: number;
  /** Listens there already; absent where the listener opens a socket of its own. */
  readonly inherited?: InheritedSocket;
  /** Time for a TLS handshake, ms. */
  readonly tlsHandshakeMs?: number;
  /** How often the listener asks itself whether it is alive, ms; 0 turns it off. */
  readonly probeIntervalMs?: number;
  /** How long that may take, ms. */
  readonly probeTimeoutMs?: number;
  /** Called when a dead listener was bound anew. */
  readonly onRelisten?: () => void;
  /** Called when clients were closed because their first message did not come. */
  readonly onSilent?: (count: number, addresses: readonly string[]) => void;
  /** Says who a client is by its certificate; absent where nobody asks. At once: there is nobody to be asked. */
  readonly admit?: Admit;
  /** Called when a TLS handshake failed. */
  readonly onTlsFailed?: (failure: TlsFailure, reason: string, address?: string) => void;
}

/** What a listener is made of. */
export interface SocketListenerParts {
  /** Name of the transport. */
  readonly transport: string;
  readonly url: URL;
  readonly address: SocketAddress;
  readonly codec: CodecMaker;
  /** Options of TLS; absent without TLS. */
  readonly tls?: tls.SecureContextOptions & tls.TlsOptions;
}

const SWEEP_MS = 1000;
const FIRST_MESSAGE_MS = 10_000;
/** Who sends a byte now and then gets so many times the silence allowed for its first message. */
const DRIP_FACTOR = 6;
const TLS_HANDSHAKE_MS = 5_000;
/** Connections that nobody has taken from the listener yet. */
const ARRIVALS_MAX = 10_000;

/** A bound address. Disposing it stops accepting; connections that were handed on go on. */
export class SocketListener implements Listener {
  readonly #parts: SocketListenerParts;
  readonly #options: SocketListenerOptions;
  readonly #arrivals = new ArrivalQueue<Connection>(ARRIVALS_MAX);
  readonly #watch: FirstMessageWatch;
  readonly #handshakes: Handshakes | undefined;
  /** Connections that have not said anything. */
  readonly #fresh = new Set<Socket>();
  #server!: net.Server;
  #address: SocketAddress;
  #probe: SelfProbe | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  private constructor(parts: SocketListenerParts, options: SocketListenerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#address = parts.address;
    const silenceMs = options.firstMessageMs ?? FIRST_MESSAGE_MS;
    this.#watch = new FirstMessageWatch({ silenceMs, totalMs: DRIP_FACTOR * silenceMs });
    this.#handshakes = parts.tls && new Handshakes({
      server: parts.tls,
      timeoutMs: options.tlsHandshakeMs ?? TLS_HANDSHAKE_MS,
      onSecure: (socket, raw) => this.#onOpen(socket, flowBelow(raw), identityOf(socket)),
      onFailed: options.onTlsFailed,
    });
  }

  /**
   * Binds an address.
   *
   * @param signal stops accepting when it aborts
   * @throws {TransportError} it cannot be bound
   */
  static async bind(
    parts: SocketListenerParts,
    options: SocketListenerOptions,
    signal: AbortSignal,
  ): Promise<SocketListener> {
    const listener = new SocketListener(parts, options);
    await listener.#bind();
    listener.#start();
    const close = () => void listener[Symbol.asyncDispose]();
    if (signal.aborted) close();
    else signal.addEventListener("abort", close, { once: true });
    return listener;
  }

  /** Where it really listens, with the parameters as they were given. */
  get url(): URL {
    const url = new URL(this.#parts.url);
    if ("port" in this.#address) url.port = String(this.#address.port);
    return url;
  }

  [Symbol.asyncIterator](): AsyncIterator<Connection> {
    return this.#arrivals[Symbol.asyncIterator]();
  }

  /** Stops accepting, and ends connections that have not said anything. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    clearInterval(this.#sweepTimer);
    this.#probe?.close();
    this.#server.close();
    for (const socket of this.#fresh) socket.destroy();
    this.#arrivals.end();
    return Promise.resolve();
  }

  readonly #leave = async (): Promise<void> => {
    this.#server.close();
    await newcomersHeard(() => this.#fresh.size > 0);
  };

  #start(): void {
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    Deno.unrefTimer(this.#sweepTimer as unknown as number);
    const { probeIntervalMs = 5000, probeTimeoutMs = 2000 } = this.#options;
    if (probeIntervalMs === 0) return;
    const address = this.#address;
    this.#probe = new SelfProbe({
      address: "host" in address ? { ...address, host: reachable(address.host) } : address,
      sharedBy: sharers(this.#options.sharedBy, this.#options.inherited),
      relisten: () => this.#relisten(),
    }, { intervalMs: probeIntervalMs, timeoutMs: probeTimeoutMs });
  }

  async #bind(): Promise<void> {
    // Below TLS the end of the stream is the end: a client that leaves in its handshake would not be noticed.
    const allowHalfOpen = this.#parts.tls === undefined;
    this.#server = net.createServer({ allowHalfOpen }, (socket) => this.#onAccepted(socket));
    const { sharedBy, inherited } = this.#options;
    inherited?.onLeave(this.#leave);
    const shared = { reusePort: sharedBy !== undefined, inherited };
    this.#address = await bind(this.#server, this.#address, this.#parts.url, shared);
    // While bound only accept can fail, which the self-probe sees; without a listener it would end the process.
    this.#server.on("error", () => {});
  }

  async #relisten(): Promise<void> {
    this.#server.close();
    try {
      await this.#bind();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return; // the next probe finds it dead again
    }
    if (this.#isClosed) this.#server.close();
    else this.#options.onRelisten?.();
  }

  #onAccepted(raw: Socket): void {
    this.#probe?.accepted();
    const { connections } = this.#options;
    const release = connections?.admit(raw.remoteAddress, this.#parts.transport, raw);
    if (this.#isClosed || (connections !== undefined && release === undefined)) {
      raw.on("error", () => {}); // nobody is interested any more
      raw.destroy();
      return;
    }
    this.#fresh.add(raw);
    raw.on("close", () => {
      this.#fresh.delete(raw);
      release?.();
    });
    if ("port" in this.#address) {
      raw.setNoDelay(true);
      raw.setKeepAlive(true, KEEP_ALIVE_MS);
    }
    if (this.#handshakes === undefined) this.#onOpen(raw);
    else this.#handshakes.begin(raw);
  }

  /** A connection costs the gateway nothing until its client has said something. */
  #onOpen(socket: Socket, below?: Flow, identity?: TlsIdentity): void {
    this.#fresh.add(socket);
    this.#watch.add(socket);
    const source = new SocketSource(socket, below);
    source.onFirst = () => this.#onFirst(socket, source, identity);
    const isOver = () => {
      this.#fresh.delete(socket);
      this.#watch.forget(socket);
    };
    socket.on("close", isOver);
    socket.on("end", () => {
      if (this.#fresh.has(socket)) socket.destroy(); // it has gone without a word
    });
  }

  #onFirst(socket: Socket, source: SocketSource, identity: TlsIdentity | undefined): void {
    this.#fresh.delete(socket);
    const { transport, codec } = this.#parts;
    const address = peerAddress(socket);
    const known = { transport, address, ...(identity === undefined ? {} : { tls: identity }) };
    const peer = this.#admitted(known);
    if (peer === undefined) return void socket.destroy();
    const connection = new SocketConnection({
      socket,
      source,
      peer,
      codec: codec(),
      bufferBytesMax: this.#options.bufferBytesMax ?? BUFFER_BYTES_MAX,
      onFirstMessage: () => this.#watch.forget(socket),
    });
    if (!this.#arrivals.push(connection)) socket.destroy();
  }

  /** The client with who it has proved to be; `undefined` when it is not let in. */
  #admitted(known: Peer): Peer | undefined {
    const { admit } = this.#options;
    if (admit === undefined) return known;
    try {
      const identity = admit({ ...known, header: () => undefined });
      return identity instanceof Promise ? undefined : { ...known, identity };
    } catch {
      return undefined; // reported by who refused it; a byte stream has no place for a reason before its handshake
    }
  }

  #sweep(): void {
    const nowMs = monotonicMs();
    this.#handshakes?.sweep(nowMs);
    const addresses: string[] = [];
    const silent = this.#watch.sweep(nowMs, (socket) => addresses.push(peerAddress(socket)));
    if (silent > 0) this.#options.onSilent?.(silent, addresses);
  }
}
