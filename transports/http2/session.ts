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
import { FrameGuard } from "./frame_guard.ts";
import { type FlowEnds, GuardedFlow } from "./guarded_flow.ts";
import { PrivateServer } from "./private_server.ts";
import { answerStream, type StreamHost } from "./stream.ts";
import type { StreamSocket } from "./stream_socket.ts";
import type { UploadSlack } from "./upload_slack.ts";

/** How long a connection may do nothing. */
export interface SessionDeadlines {
  /** From the handshake to the first whole head of a request, ms. */
  readonly firstRequestMs: number;
  /** Without a request, ms. */
  readonly idleMs: number;
}

/** Deadlines, and who is told. */
export interface SessionOptions extends SessionDeadlines {
  /** Told why a connection was ended that breaks the rules of HTTP/2 or floods. */
  readonly onViolation: (reason: string, socket: Socket) => void;
}

/** The same, and who serves. */
export interface SessionRules extends SessionOptions {
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
  #flow: GuardedFlow | undefined;
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
    const flow = flowBelow(this.#raw);
    flow.stop(); // else all that a client sends until its server is there is kept: 82 MB, when tried
    try {
      this.#server = await PrivateServer.open((request) => {
        this.#flow?.asked();
        return answerStream(request, this);
      });
      this.#flow = this.#carry({ carrier, flow, inner: this.#server.inner });
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

  #carry(ends: FlowEnds): GuardedFlow {
    return new GuardedFlow(ends, new FrameGuard(), {
      onViolation: ({ reason }) => {
        this.#rules.onViolation(reason, this.carrier);
        this.#over();
      },
      onEnd: () => this.#over(),
    });
  }

  #over(): void {
    this.#endStreams();
    this.#leavesSinceMs = Math.min(this.#leavesSinceMs, monotonicMs());
  }
}
