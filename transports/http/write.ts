/**
 * Writing to a response so that a slow reader can be told from a stalled one.
 *
 * @module
 */
import type { ServerResponse } from "node:http";

/**
 * Largest single write. The runtime reports a write only when the kernel took all of it, and joins what
 * waits into one write: 4 MiB to a slow client would look like no progress (seen on Deno 2.9.6).
 */
export const PIECE_BYTES = 256 * 1024;

/** Feeds a response piece by piece, each after the one before was taken. */
export class PacedWriter {
  readonly #res: ServerResponse;
  readonly #pieceBytes: number;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isBlocked = false;
  #isEnding = false;
  #room: Promise<void> | undefined;
  #freeRoom: (() => void) | undefined;

  /** @param pieceBytes most bytes of one write */
  constructor(res: ServerResponse, pieceBytes = PIECE_BYTES) {
    this.#res = res;
    this.#pieceBytes = pieceBytes;
  }

  /** Bytes that the client has not taken. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#res.writableLength;
  }

  /** Queues bytes and writes what can be written. */
  write(bytes: Uint8Array): void {
    const pieceBytes = this.#pieceBytes;
    if (!this.#isBlocked && bytes.length <= pieceBytes) return this.#put(bytes);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#queue.push(bytes.subarray(at, at + pieceBytes));
    }
    this.#queuedBytes += bytes.length;
    if (!this.#isBlocked) this.#flush();
  }

  /** Ends the response when everything has been written. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isBlocked) this.#res.end();
  }

  /** Resolves when everything written so far has been taken, or the client has gone. */
  room(): Promise<void> {
    if (!this.#isBlocked || this.#res.destroyed) return Promise.resolve();
    return this.#room ??= new Promise((resolve) => {
      this.#freeRoom = () => {
        this.#res.off("close", this.#freeRoom!);
        this.#room = this.#freeRoom = undefined;
        resolve();
      };
      this.#res.once("close", this.#freeRoom);
    });
  }

  #put(bytes: Uint8Array): void {
    if (this.#res.write(bytes)) return;
    this.#isBlocked = true;
    this.#res.once("drain", () => {
      this.#isBlocked = false;
      this.#flush();
    });
  }

  #flush(): void {
    let taken = 0;
    while (taken < this.#queue.length && !this.#isBlocked) {
      const piece = this.#queue[taken++];
      this.#queuedBytes -= piece.length;
      this.#put(piece);
    }
    this.#queue.splice(0, taken);
    if (this.#isBlocked) return;
    this.#freeRoom?.();
    if (this.#isEnding) this.#res.end();
  }
}
