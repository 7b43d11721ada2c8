/**
 * Finds the frames in one direction of an HTTP/2 connection (RFC 9113, 4.1) without keeping a byte of them,
 * whatever the pieces that they come in.
 *
 * @module
 */
import { FRAME_HEAD_BYTES, FrameType } from "./wire.ts";

/** A frame that has begun. It is used again for the next one. */
export interface FrameHead {
  /** Bytes of the payload. */
  length: number;
  type: number;
  flags: number;
  /** 0: about the connection. */
  stream: number;
  /** Error code of RST_STREAM and GOAWAY, else 0. */
  code: number;
}

/** Of a payload, the most that is looked at: a GOAWAY's last stream and code. */
const CODE_END_BYTES = 8;
const HEAD_BYTES_MAX = FRAME_HEAD_BYTES + CODE_END_BYTES;

/** One per direction. */
export class FrameScanner {
  readonly #onFrame: (head: FrameHead) => boolean | void;
  readonly #head: FrameHead = { length: 0, type: 0, flags: 0, stream: 0, code: 0 };
  /** A head that has come in part. */
  readonly #part = new Uint8Array(HEAD_BYTES_MAX);
  #partBytes = 0;
  /** Left of the payload. */
  #leftBytes = 0;
  #isHalted = false;

  /**
   * @param onFrame told of each frame as soon as its head is there, before the rest of its payload; true: to go
   * no further for now
   */
  constructor(onFrame: (head: FrameHead) => boolean | void) {
    this.#onFrame = onFrame;
  }

  /** Whether what came so far ends with a frame. */
  get isBetween(): boolean {
    return this.#partBytes === 0 && this.#leftBytes === 0;
  }

  /**
   * Goes through bytes, from an offset on; with `stopsBetween`, only up to the end of the frame that has begun.
   * Returns where it has come to.
   */
  push(bytes: Uint8Array, from = 0, stopsBetween = false): number {
    let at = from;
    this.#isHalted = false;
    while (at < bytes.length && !this.#isHalted && !(stopsBetween && this.isBetween)) {
      if (this.#leftBytes > 0) {
        const skipped = Math.min(this.#leftBytes, bytes.length - at);
        this.#leftBytes -= skipped;
        at += skipped;
      } else if (this.#partBytes === 0 && bytes.length - at >= HEAD_BYTES_MAX) {
        at += this.#begin(bytes, at);
      } else {
        this.#part[this.#partBytes++] = bytes[at++];
        if (this.#partBytes < neededBytes(this.#part, this.#partBytes)) continue;
        this.#partBytes = 0;
        this.#begin(this.#part, 0);
      }
    }
    return at;
  }

  /** Reads a head that is whole. Returns its size. */
  #begin(bytes: Uint8Array, at: number): number {
    const head = this.#head;
    head.length = lengthOf(bytes, at);
    head.type = bytes[at + 3];
    head.flags = bytes[at + 4];
    head.stream = uint32(bytes, at + 5) & 0x7fffffff;
    const seen = codeEndBytes(head.type, head.length);
    head.code = seen < 4 ? 0 : uint32(bytes, at + FRAME_HEAD_BYTES + seen - 4);
    this.#leftBytes = head.length - seen;
    this.#isHalted = this.#onFrame(head) === true;
    return FRAME_HEAD_BYTES + seen;
  }
}

function neededBytes(part: Uint8Array, partBytes: number): number {
  if (partBytes < FRAME_HEAD_BYTES) return FRAME_HEAD_BYTES;
  return FRAME_HEAD_BYTES + codeEndBytes(part[3], lengthOf(part, 0));
}

/** Bytes of the payload up to the end of an error code. */
function codeEndBytes(type: number, length: number): number {
  if (type === FrameType.reset) return Math.min(4, length);
  return type === FrameType.goAway ? Math.min(CODE_END_BYTES, length) : 0;
}

function lengthOf(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | lengthOf(bytes, at + 1)) >>> 0;
}
