/**
 * Writes WebSocket messages: what is small together in one write, what is large in frames, and never much
 * more than the socket has taken. So a close frame can overtake what waits, and a peer that reads slowly is
 * told from one that does not read.
 *
 * @module
 */
import type { Socket } from "node:net";
import { TransportError } from "../../lib/core/errors.ts";
import { OPEN, type SendOptions, type Ws } from "./library.ts";
import { serverFrames } from "./server_frames.ts";

/** How frames are written. */
export interface FrameWriterOptions {
  /** Servers do not mask. */
  readonly isServer: boolean;
  /** Longest frame, bytes. */
  readonly frameBytesMax: number;
  /** Smaller messages are not compressed, bytes; `Infinity` when nothing is. */
  readonly compressBytesMin: number;
}

/** Handed to the socket at once, bytes. */
const STEP_BYTES = 64 * 1024;

/** Writes to one socket. */
export class FrameWriter {
  readonly #ws: Ws;
  readonly #socket: Socket;
  readonly #options: FrameWriterOptions;
  readonly #whole: SendOptions;
  readonly #onTaken: (byteLength: number) => void;
  #room: PromiseWithResolvers<void> | undefined;
  #isStopped = false;

  /** @param onTaken told how many bytes of messages the socket took */
  constructor(
    ws: Ws,
    socket: Socket,
    isBinary: boolean,
    options: FrameWriterOptions,
    onTaken: (byteLength: number) => void,
  ) {
    this.#ws = ws;
    this.#socket = socket;
    this.#options = options;
    this.#whole = { binary: isBinary, fin: true, compress: false };
    this.#onTaken = onTaken;
    socket.on("drain", this.#roomy).on("close", this.#roomy);
  }

  /**
   * Writes each payload as a message. A promise means that the socket has to take it first.
   *
   * @throws {TransportError} the connection is closed; also as the promise's rejection
   */
  write(payloads: readonly Uint8Array[]): Promise<void> | undefined {
    const end = this.#endOfStep(payloads, 0);
    if (end < payloads.length) return this.#writeInSteps(payloads);
    const byteLength = this.#writeStep(payloads);
    if (this.#socket.writableNeedDrain) return this.#untilTaken(byteLength);
    this.#onTaken(byteLength);
  }

  /** Nothing more is to be written: what waits for the socket does not any longer. */
  stop(): void {
    this.#isStopped = true;
    this.#roomy();
  }

  /** Where a run of payloads that go into one write ends; `from` when the first is too large. */
  #endOfStep(payloads: readonly Uint8Array[], from: number): number {
    const { frameBytesMax, compressBytesMin } = this.#options;
    let end = from, byteLength = 0;
    for (; end < payloads.length; end++) {
      const { length } = payloads[end];
      byteLength += length;
      if (length > frameBytesMax || length >= compressBytesMin) break;
      if (byteLength > STEP_BYTES && end > from) break;
    }
    return end;
  }

  async #writeInSteps(payloads: readonly Uint8Array[]): Promise<void> {
    for (let from = 0; from < payloads.length;) {
      const end = this.#endOfStep(payloads, from);
      if (end === from) await this.#writeLarge(payloads[from++]);
      else {
        const byteLength = this.#writeStep(payloads.slice(from, end));
        from = end;
        await this.#untilTaken(byteLength);
      }
    }
  }

  #writeStep(payloads: readonly Uint8Array[]): number {
    this.#throwUnlessOpen();
    if (this.#options.isServer) {
      const frames = serverFrames(payloads, this.#whole.binary);
      this.#socket.write(frames);
      return frames.length;
    }
    let byteLength = 0;
    this.#socket.cork();
    for (const payload of payloads) {
      this.#ws.send(payload, this.#whole);
      byteLength += payload.length;
    }
    this.#socket.uncork();
    return byteLength;
  }

  async #writeLarge(payload: Uint8Array): Promise<void> {
    const { frameBytesMax, compressBytesMin } = this.#options;
    const compress = payload.length >= compressBytesMin;
    for (let at = 0; at < payload.length; at += frameBytesMax) {
      this.#throwUnlessOpen();
      const piece = payload.subarray(at, at + frameBytesMax);
      const fin = at + frameBytesMax >= payload.length;
      const room = this.#room = Promise.withResolvers<void>();
      this.#ws.send(piece, { ...this.#whole, fin, compress }, this.#roomy);
      await room.promise;
      this.#onTaken(piece.length);
    }
  }

  async #untilTaken(byteLength: number): Promise<void> {
    if (this.#socket.writableNeedDrain) {
      await (this.#room ??= Promise.withResolvers<void>()).promise;
    }
    this.#throwUnlessOpen();
    this.#onTaken(byteLength);
  }

  readonly #roomy = (): void => {
    this.#room?.resolve();
    this.#room = undefined;
  };

  #throwUnlessOpen(): void {
    if (this.#isStopped || this.#ws.readyState !== OPEN) {
      throw new TransportError("Cannot write to the connection: it is closed");
    }
  }
}
