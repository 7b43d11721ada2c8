/**
 * A secured connection that speaks HTTP/2: its bytes go to a server of its own, each request to our HTTP/1.1
 * server, and it has deadlines, which `Deno.serve` has not.
 *
 * @module
 */
import type { Socket } from "node:net";
import type tls from "node:tls";
import { monotonicMs } from "../../lib/core/clock.ts";
import { flowBelow } from "../tls/raw_flow.ts";
import { PrivateServer } from "./private_server.ts";
import { answerStream, type StreamHost } from "./stream.ts";
import type { StreamSocket } from "./stream_socket.ts";
import type { UploadSlack } from "./upload_slack.ts";
import { HTTP2_PREFACE } from "./wire.ts";

/** How long a connection may do nothing. */
export interface SessionDeadlines {
  /** From the handshake to the first whole head of a request, ms. */
  readonly firstRequestMs: number;
  /** Without a request, ms. */
  readonly idleMs: number;
}

/** Deadlines, and who serves. */
export interface SessionRules extends SessionDeadlines {
  /** Serves a connection as HTTP/1.1. */
  readonly serve: (socket: Socket) => void;
  /** Room for bodies that wait. */
  readonly slack: UploadSlack;
}

/** A client that was told to leave, and has nothing under way, has so long. */
const LEAVE_MS = 1000;

/** One connection. */
export class Http2Session implements StreamHost {
  /** Requests under way, as connections of our HTTP/1.1 server. */
  readonly streams = new Set<Socket>();
  readonly carrier: tls.TLSSocket;
  readonly slack: UploadSlack;
  readonly #raw: Socket;
  readonly #rules: SessionRules;
  #server: PrivateServer | undefined;
  #left: Promise<void> | undefined;
  #hasAsked = false;
  /** Since when nothing is under way. */
  #quietSinceMs = monotonicMs();
  #leavesSinceMs = Infinity;

  /**
   * @param carrier whose handshake is done
   * @param raw what lies below it
   */
  constructor(carrier: tls.TLSSocket, raw: Socket, rules: SessionRules) {
    this.carrier = carrier;
    this.#raw = raw;
    this.#rules = rules;
    this.slack = rules.slack;
  }

  /** Serves it. Resolves when nothing of it is left. */
  async run(): Promise<void> {
    const { carrier } = this;
    const closed = new Promise<void>((resolve) => carrier.once("close", () => resolve()));
    try {
      this.#server = await PrivateServer.open((request) => answerStream(request, this));
      this.#carry(this.#server.inner);
    } catch { // no descriptors left: costs this connection
      carrier.destroy();
    }
    if (carrier.destroyed) this.#server?.inner.destroy();
    await closed;
    this.#server?.inner.destroy();
    this.#endStreams();
    this.leave();
    await this.#left;
  }

  serve(socket: StreamSocket): void {
    const stream = socket as unknown as Socket; // as much of one as HTTP asks for
    this.#hasAsked = true;
    this.streams.add(stream);
    stream.once("close", () => {
      this.streams.delete(stream);
      this.#quietSinceMs = monotonicMs();
    });
    this.#rules.serve(stream);
  }

  /** Tells the client to leave when it has its answers. */
  leave(): void {
    if (this.#left !== undefined || this.#server === undefined) return;
    this.#leavesSinceMs = monotonicMs();
    this.#left = this.#server.leave();
  }

  /** Holds it to its deadlines. */
  sweep(nowMs: number): void {
    if (this.streams.size > 0) return;
    const { firstRequestMs, idleMs } = this.#rules;
    const quietMs = nowMs - this.#quietSinceMs;
    if (nowMs - Math.max(this.#leavesSinceMs, this.#quietSinceMs) > LEAVE_MS) {
      this.carrier.destroy();
    } else if (!this.#hasAsked && quietMs > firstRequestMs) this.carrier.destroy();
    else if (quietMs > idleMs) this.leave();
  }

  #endStreams(): void {
    for (const stream of this.streams) stream.destroy();
  }

  /** Carries bytes both ways, and holds back whoever is faster than the other. */
  #carry(inner: Socket): void {
    const { carrier } = this;
    const flow = flowBelow(this.#raw);
    let preface = HTTP2_PREFACE, isStopped = false;
    const goOn = () => {
      // Starting what is closed would keep it, and all that hangs on it, for ever: 11 KB (Deno 2.9.6).
      if (!isStopped || carrier.destroyed) return;
      isStopped = false;
      carrier.resume();
      flow.start();
    };
    carrier.on("data", (bytes: Uint8Array) => {
      const part = bytes.subarray(0, preface.length);
      // hyper would take HTTP/1.1 here, too.
      if (!preface.subarray(0, part.length).equals(part)) return void carrier.destroy();
      preface = preface.subarray(part.length);
      if (inner.destroyed || inner.write(bytes)) return;
      isStopped = true;
      carrier.pause();
      flow.stop();
    });
    inner.on("drain", goOn);
    inner.on("data", (bytes) => {
      if (!carrier.write(bytes)) inner.pause();
    });
    carrier.on("drain", () => inner.resume());
    inner.once("close", () => {
      this.#endStreams();
      this.#leavesSinceMs = Math.min(this.#leavesSinceMs, monotonicMs());
      carrier.end(); // what the client goes on sending is thrown away: closing now would lose the GOAWAY
      goOn();
    });
  }
}
