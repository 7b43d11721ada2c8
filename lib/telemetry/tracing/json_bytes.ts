/**
 * JSON text put together as bytes. Texts that are the same each time are copied as bytes; a span made of strings, which
 * the runtime keeps as trees of their parts, costs four times as much.
 *
 * @module
 */

/** A piece of JSON text: as bytes where it is used again, as a string where it is not. */
export type Piece = Uint8Array | string;

const START_BYTES = 64 * 1024;
/** Room that stays for the next text. */
const KEPT_BYTES_MAX = 1024 * 1024;
const ZERO = 0x30;
const ASCII_END = 0x80;
const encoder = new TextEncoder();

/** A JSON text as a piece. */
export function piece(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Collects pieces. One text at a time. */
export class JsonBytes {
  #bytes = new Uint8Array(START_BYTES);
  #length = 0;

  /** Adds a piece. */
  put(text: Piece): void {
    if (typeof text === "string") return this.#putString(text);
    this.#reserve(text.length);
    this.#bytes.set(text, this.#length);
    this.#length += text.length;
  }

  /** Adds a whole number in decimal digits, with zeros in front up to a width of at most 9. */
  putDigits(value: number, width: number): void {
    this.#reserve(width);
    const bytes = this.#bytes;
    const end = this.#length + width;
    let rest = value | 0;
    for (let at = end - 1; at >= this.#length; at--) {
      const next = rest / 10 | 0;
      bytes[at] = ZERO + rest - 10 * next;
      rest = next;
    }
    this.#length = end;
  }

  /** A copy of the text so far; then it begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const text = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(START_BYTES);
    return text;
  }

  #putString(text: string): void {
    this.#reserve(3 * text.length); // the most that UTF-8 can need
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= ASCII_END) {
        this.#length = start + encoder.encodeInto(text, bytes.subarray(start)).written;
        return;
      }
      bytes[start + i] = code;
    }
    this.#length = start + text.length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
