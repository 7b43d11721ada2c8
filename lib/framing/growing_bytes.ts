/**
 * Bytes that arrive in pieces and are used as a whole. Pieces are copied: a list of views would hold
 * a hundred bytes for each byte of a peer that sends one at a time.
 *
 * @module
 */

const FIRST_BYTES = 512;
const NOTHING = new Uint8Array(0);

/** Grows by doubling, up to a limit. */
export class GrowingBytes {
  readonly #bytesMax: number;
  #bytes = NOTHING;
  #length = 0;

  /** @param bytesMax most bytes it holds */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece; false, and nothing added, when that would pass the limit. */
  append(piece: Uint8Array, start = 0, end = piece.length): boolean {
    const length = this.#length + end - start;
    if (length > this.#bytesMax) return false;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(
      start === 0 && end === piece.length ? piece : piece.subarray(start, end),
      this.#length,
    );
    this.#length = length;
    return true;
  }

  /** Hands the bytes over and starts again empty. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return taken;
  }

  #grow(length: number): void {
    const doubled = Math.max(FIRST_BYTES, 2 * this.#bytes.length, length);
    const grown = new Uint8Array(Math.min(doubled, this.#bytesMax));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
