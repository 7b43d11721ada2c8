/**
 * An open WebSocket as a connection.
 *
 * The end of a connection has three forms. In order: one side closes its writable, which sends the close
 * frame; as a server we answer the client's close frame only when its calls have been answered, or the time
 * for it is over. Disposed: what was given is written, then the close frame. Aborted: the close frame with
 * the reason at once, and the socket stays for a while so that a slow peer gets to read it.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Batch, Connection, DirectPath, Peer } from "../../lib/core/connection.ts";
import { monotonicMs } from "../../lib/core/clock.ts";
import { GatewayError, reasonOf, TransportError } from "../../lib/core/errors.ts";
import { CloseCode, closeCodeOf } from "./close_codes.ts";
import type { MessageFormat } from "./format.ts";
import type { HalfClosingWebSocket } from "./half_closing.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { Liveness } from "./liveness.ts";
import { Incoming } from "./incoming.ts";
import { OPEN } from "./library.ts";
import type { WebSocketLimits } from "./options.ts";
import { Receiving } from "./receiving.ts";
import { Sending } from "./sending.ts";

/** What a connection is made of. */
export interface WebSocketParts {
  readonly role: "server" | "client";
  readonly ws: HalfClosingWebSocket;
  readonly socket: Socket;
  readonly peer: Peer;
  readonly format: MessageFormat;
  readonly limits: WebSocketLimits;
  readonly heartbeats: Heartbeats;
  /** The code of an end in order. */
  readonly closeCode: () => number;
}

/** One peer. */
export class WebSocketConnection implements Connection {
  readonly kind = "connection";
  readonly direct: DirectPath;
  readonly peer: Peer;
  readonly closed: Promise<void>;
  readonly #parts: WebSocketParts;
  readonly #receiving: Receiving;
  readonly #sending: Sending;
  readonly #liveness: Liveness;
  readonly #end = Promise.withResolvers<void>();
  /** Resolves when the socket has closed. */
  readonly #gone = Promise.withResolvers<void>();
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #isBroken = false;
  #isClosing = false;
  #answerCode: number | undefined;

  constructor(parts: WebSocketParts) {
    const { ws, socket, peer, format, limits, heartbeats } = parts;
    this.#parts = parts;
    this.peer = peer;
    this.closed = this.#end.promise;
    this.closed.catch(() => {}); // the owner may not care; without a listener it would end the process
    this.#receiving = new Receiving(ws);
    this.#sending = new Sending(ws, socket, format, {
      isServer: parts.role === "server",
      bufferBytesMax: limits.bufferBytesMax,
      frameBytesMax: limits.frameBytesMax,
      // Binary messages are those between gateways, which compress by themselves.
      compressBytesMin: ws.extensions === "" || format.isBinary ? Infinity : COMPRESS_BYTES_MIN,
      close: () => this.#close(),
      onAbort: (error) => this.#break(error, CloseCode.goingAway),
    });
    this.direct = {
      sink: this.#sending,
      receive: (onBatch) => this.#receiving.receive(onBatch),
    };
    this.#liveness = new Liveness(limits, monotonicMs());
    new Incoming(parts, this.#receiving, this.#liveness, {
      endReading: (code) => this.endReading(code),
      abort: (reason) => this.abort(reason),
    });
    ws.onCloseWanted = (code) => this.#onCloseWanted(code);
    ws.on("error", (error) => this.#onError(error));
    ws.on("close", (code, reason) => this.#onClose(code, reason));
    heartbeats.add(this);
  }

  get readable(): ReadableStream<Batch> {
    return this.#receiving.stream;
  }

  get writable(): WritableStream<Batch> {
    return this.#sending.stream;
  }

  /** Looks whether the peer is still there. */
  beat(nowMs: number): void {
    const { ws } = this.#parts;
    if (ws.readyState !== OPEN) return;
    const verdict = this.#liveness.look(nowMs, this.#receiving.isPaused);
    if (verdict === "ping") ws.ping();
    if (verdict !== "gone") return;
    this.#fail(new TransportError(`${this.#sentence}: it has not answered two pings`));
    ws.terminate();
  }

  /** Nothing will be read any more; the connection ends in order, with this code, when all is answered. */
  endReading(code = NO_CODE): void {
    if (this.#answerCode !== undefined || this.#isClosing || this.#isBroken) return;
    this.#answerCode = code;
    this.#receiving.end();
    this.#closeTimer ??= setTimeout(() => this.#close(), this.#parts.limits.closeTimeoutMs);
  }

  abort(reason: GatewayError): void {
    this.#break(
      new TransportError(`${this.#sentence}: ${reason.message}`, { cause: reason }),
      closeCodeOf(reason),
      reason.message,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isBroken && !this.#isClosing) {
      const timer = setTimeout(() => this.#sending.finish(), this.#parts.limits.closeTimeoutMs);
      await this.#sending.flushed();
      clearTimeout(timer);
    }
    this.#receiving.finish(); // a peer that is not read could not answer the close frame
    this.#sending.finish();
    if (!this.#isBroken) this.#close();
    await this.#gone.promise;
  }

  /** The closing handshake, bounded. */
  #close(): Promise<void> {
    if (this.#isClosing) return this.#gone.promise;
    this.#isClosing = true;
    clearTimeout(this.#closeTimer);
    const { ws, limits } = this.#parts;
    this.#closeTimer = setTimeout(() => ws.terminate(), limits.closeTimeoutMs);
    this.#sendClose(this.#answerCode ?? this.#parts.closeCode());
    return this.#gone.promise;
  }

  #break(error: TransportError, code: number, text?: string): void {
    if (this.#isBroken) return;
    this.#fail(error);
    this.#discard();
    if (!this.#isClosing) this.#sendClose(code, text);
  }

  /** What still comes is read so that the peer gets to read our close frame, but not without end. */
  #discard(): void {
    const { ws, socket } = this.#parts;
    const limit = socket.bytesRead + DISCARD_BYTES_MAX;
    socket.on("data", () => {
      if (socket.bytesRead > limit) ws.terminate();
    });
  }

  #sendClose(code: number, text = ""): void {
    if (code === NO_CODE) return this.#parts.ws.closeNow();
    const reason = new Uint8Array(REASON_BYTES_MAX);
    const { written } = new TextEncoder().encodeInto(text, reason); // whole characters only
    this.#parts.ws.closeNow(code, reason.subarray(0, written));
  }

  #onCloseWanted(code: number | undefined): void {
    // After our own close frame this lets the library end the socket.
    if (this.#isClosing || this.#isBroken) this.#parts.ws.closeNow(code);
    else this.endReading(code);
  }

  #onError(error: Error): void {
    const code = this.#answerCode;
    this.#fail(new TransportError(`${this.#sentence}: ${reasonOf(error)}`, { cause: error }));
    this.#discard();
    if (code !== undefined && !this.#isClosing) this.#sendClose(code); // the library meant to, see half_closing.ts
  }

  #onClose(code: number, reason: Uint8Array): void {
    this.#parts.heartbeats.delete(this);
    clearTimeout(this.#closeTimer);
    const weClosed = this.#isClosing && this.#answerCode === undefined;
    const loss = weClosed || ORDERLY.has(code) ? undefined : lossText(code, reason);
    const error = loss && new TransportError(`${this.#sentence}: ${loss}`);
    if (error && this.#answerCode === undefined) this.#fail(error);
    else { // what the peer sent before its close frame can still be read
      this.#receiving.end();
      this.#sending.finish();
      if (error) this.#end.reject(error);
      else this.#end.resolve();
    }
    this.#isClosing = true;
    this.#gone.resolve();
  }

  #fail(error: TransportError): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    if (!this.#isClosing) clearTimeout(this.#closeTimer);
    this.#receiving.fail(error);
    this.#sending.fail(error);
    this.#end.reject(error);
  }

  get #sentence(): string {
    return `Cannot go on with websocket ${this.peer.address}`;
  }
}

/** Smaller messages are sent as they are: deflate would cost more than it saves. */
const COMPRESS_BYTES_MIN = 1024;
/** Read and thrown away after the connection was given up, bytes. */
const DISCARD_BYTES_MAX = 1024 * 1024;
/** The library's code for a close frame without one. */
const NO_CODE = 1005;
/** The library's code for the end of the socket without a close frame. */
const NO_CLOSE_FRAME = 1006;
const ORDERLY: ReadonlySet<number> = new Set([
  CloseCode.normal,
  CloseCode.goingAway,
  NO_CODE,
]);
/** RFC 6455, 5.5: 125 bytes in all, two of them for the code. */
const REASON_BYTES_MAX = 123;

function lossText(code: number, reason: Uint8Array): string {
  if (code === NO_CLOSE_FRAME) return "it was lost";
  const text = new TextDecoder().decode(reason);
  return `the peer closed it with ${code}${text === "" ? "" : ` (${text})`}`;
}
