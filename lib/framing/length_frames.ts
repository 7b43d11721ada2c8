/**
 * Finds the frames of `[Length:32 big-endian][bytes]` in a stream, whatever the frames hold.
 *
 * @module
 */
import { GatewayError } from "../core/errors.ts";
import { GrowingBytes } from "./growing_bytes.ts";

const HEADER_BYTES = 4;
const NOTHING = new Uint8Array(0);

/** The receiving half. A frame within one chunk is handed on as a view; memory follows what came, not what was announced. */
export class LengthFrames {
  readonly #frameBytesMax: number;
  readonly #held: GrowingBytes;
  /** Bytes of the length that have come. */
  #headerBytes = 0;
  #length = 0;
  #isOver = false;

  /** @param frameBytesMax longest frame without its length, bytes */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
    this.#held = new GrowingBytes(frameBytesMax);
  }

  /** Bytes held of a frame that is not complete. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /**
   * Hands on the frames that this chunk completes. The chunk belongs to whoever takes them from now on.
   *
   * @param take gets each frame; false ends reading
   * @returns what is wrong with the stream, fatal; nothing after that is read
   */
  push(chunk: Uint8Array, take: (frame: Uint8Array) => boolean | void): GatewayError | undefined {
    let at = 0;
    while (!this.#isOver && (at < chunk.length || this.#isComplete())) {
      if (this.#headerBytes < HEADER_BYTES) {
        this.#length = this.#length * 256 + chunk[at++];
        if (++this.#headerBytes === HEADER_BYTES && this.#length > this.#frameBytesMax) {
          return this.#refuse();
        }
        continue;
      }
      const end = at + this.#length - this.#held.length;
      if (end > chunk.length) {
        this.#held.append(chunk, at);
        break;
      }
      if (take(this.#frame(chunk, at, end)) === false) this.#isOver = true;
      at = end;
    }
    return undefined;
  }

  /** What is wrong with the end of the stream: a frame was cut off. */
  end(): GatewayError | undefined {
    const isCut = !this.#isOver && this.#headerBytes > 0;
    this.#isOver = true;
    this.#held.take();
    if (!isCut) return undefined;
    const why = "the stream ends within a frame";
    return new GatewayError("ParseError", `Cannot parse message: ${why}`, { fatal: true });
  }

  /** An empty frame is complete with its header. */
  #isComplete(): boolean {
    return this.#headerBytes === HEADER_BYTES && this.#length === 0;
  }

  #frame(chunk: Uint8Array, start: number, end: number): Uint8Array {
    const isEmpty = this.#length === 0;
    this.#headerBytes = this.#length = 0;
    if (isEmpty) return NOTHING;
    if (this.#held.length === 0) return chunk.subarray(start, end);
    this.#held.append(chunk, start, end);
    return this.#held.take();
  }

  #refuse(): GatewayError {
    this.#isOver = true;
    const why = `its frame is longer than ${this.#frameBytesMax} bytes`;
    return new GatewayError("PayloadTooLarge", `Cannot accept message: ${why}`, { fatal: true });
  }
}
