/**
 * What `node:http` takes for the connection of one request: a stream of an HTTP/2 connection.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Answer } from "./answer.ts";
import type { SlackShare } from "./upload_slack.ts";

type Done = (error?: Error | null) => void;

/** The far end is the client; whatever `node:net` tells of it comes from the connection that carries it. */
export class StreamSocket extends Duplex {
  /** The secured connection that carries it. */
  readonly carrier: Socket;
  /** Secured, as far as HTTP is concerned. */
  readonly encrypted = true;
  /** Bytes of the request so far. */
  bytesRead = 0;
  readonly #answer: Answer;
  readonly #slack: SlackShare;
  #takenBytes = 0;
  #room: (() => void) | undefined;

  constructor(carrier: Socket, answer: Answer, slack: SlackShare) {
    super({ allowHalfOpen: true });
    this.carrier = carrier;
    this.#answer = answer;
    this.#slack = slack;
    this.on("error", () => {}); // "close" follows
  }

  /** Address of the client. */
  get remoteAddress(): string | undefined {
    return this.carrier.remoteAddress;
  }

  /** Port of the client. */
  get remotePort(): number | undefined {
    return this.carrier.remotePort;
  }

  /** Address that the client connected to. */
  get localAddress(): string | undefined {
    return this.carrier.localAddress;
  }

  /** Port that the client connected to. */
  get localPort(): number | undefined {
    return this.carrier.localPort;
  }

  /** Bytes written, also those that wait, as `node:net` counts them. */
  get bytesWritten(): number {
    return this.#takenBytes + this.writableLength;
  }

  /** Hands bytes of the request to `node:http`. Resolves when more may come, or it is gone. */
  feed(bytes: Uint8Array): Promise<void> | undefined {
    this.bytesRead += bytes.length;
    if (this.destroyed) return;
    if (this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) return;
    if (this.#slack.hold(this.readableLength)) return;
    return new Promise((resolve) => this.#room = resolve);
  }

  /** Ends when what waits has been taken. */
  destroySoon(): void {
    if (!this.writableEnded) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** The carrier has no such thing for one stream. */
  setTimeout(): this {
    return this;
  }

  /** Settled by the carrier. */
  setNoDelay(): this {
    return this;
  }

  /** Settled by the carrier. */
  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    if (!this.destroyed) this.#slack.hold(this.readableLength);
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  override _write(bytes: Uint8Array, _encoding: string, done: Done): void {
    const taken = () => {
      this.#takenBytes += bytes.length;
      done();
    };
    try {
      this.#answer.write(bytes, taken);
    } catch (error) {
      done(error as Error);
    }
  }

  override _final(done: Done): void {
    this.#answer.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#answer.end();
    this.#slack.hold(0);
    this._read();
    done(error);
  }
}
