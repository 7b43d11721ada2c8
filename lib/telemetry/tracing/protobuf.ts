/**
 * Messages of Protocol Buffers put together as bytes, in one pass: where the length of something is not known before
 * it is written, room for it is left. Such a length has more bytes than it needs, which every reader takes.
 *
 * Source: Protocol Buffers, encoding.
 *
 * @module
 */

const START_BYTES = 64 * 1024;
/** Room that stays for the next text. */
const KEPT_BYTES_MAX = 1024 * 1024;
const ASCII_END = 0x80;
const CONTINUES = 0x80, LOW_7 = 0x7f;
const WORD = 2 ** 32;
const encoder = new TextEncoder();

/** The tag of a field whose value is bytes, a text or a message. */
export function bytesTag(field: number): number {
  return field << 3 | 2;
}

/** The tag of a field whose value is a whole number. */
export function varintTag(field: number): number {
  return field << 3;
}

/** The tag of a field whose value has 64 bits. */
export function fixed64Tag(field: number): number {
  return field << 3 | 1;
}

/** Collects fields. Field numbers are below 16: tags are one byte. */
export class ProtoBytes {
  #bytes = new Uint8Array(START_BYTES);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes back what is behind so many bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Adds fields that were written before. */
  put(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#length);
    this.#length += fields.length;
  }

  /**
   * Begins a field that is a message, or a text.
   *
   * @param lengthBytes room for its length: 7 bits a byte
   * @returns what {@link end} needs
   */
  begin(tag: number, lengthBytes: number): number {
    this.#reserve(1 + lengthBytes);
    this.#bytes[this.#length] = tag;
    this.#length += 1 + lengthBytes;
    return this.#length;
  }

  /** Ends it. */
  end(start: number, lengthBytes: number): void {
    let rest = this.#length - start;
    for (let at = start - lengthBytes; at < start - 1; at++) {
      this.#bytes[at] = CONTINUES | rest & LOW_7;
      rest >>>= 7;
    }
    this.#bytes[start - 1] = rest;
  }

  /** Adds a text. */
  text(tag: number, text: string): void {
    if (text.length < ASCII_END && this.#ascii(tag, text)) return;
    const start = this.begin(tag, 4);
    this.#reserve(3 * text.length); // the most that UTF-8 can need
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(start)).written;
    this.end(start, 4);
  }

  /** Adds bytes that are told in hexadecimal digits, lower case. */
  hex(tag: number, digits: string): void {
    const length = digits.length >> 1;
    this.#reserve(2 + length);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = tag;
    bytes[at++] = length;
    for (let i = 0; i < digits.length; i += 2) {
      bytes[at++] = nibble(digits.charCodeAt(i)) << 4 | nibble(digits.charCodeAt(i + 1));
    }
    this.#length = at;
  }

  /** Adds a whole number, not negative. */
  varint(tag: number, value: number): void {
    this.#reserve(11);
    const bytes = this.#bytes;
    bytes[this.#length++] = tag;
    let rest = value;
    while (rest > LOW_7) {
      bytes[this.#length++] = CONTINUES | rest % ASCII_END;
      rest = Math.floor(rest / ASCII_END);
    }
    bytes[this.#length++] = rest;
  }

  /** Adds a number of 64 bits, from its halves. */
  fixed64(tag: number, low: number, high: number): void {
    this.#reserve(9);
    this.#bytes[this.#length++] = tag;
    this.#word(low);
    this.#word(high);
  }

  /** Adds a time in ms as nanoseconds, which are more than a number can hold: in two halves. */
  nanos(tag: number, timeMs: number): void {
    const whole = Math.floor(timeMs);
    const top = Math.floor(whole / 2 ** 20) * 1e6; // in units of 2 ** 20 ns, exact
    const low = (top % 2 ** 12) * 2 ** 20 + (whole % 2 ** 20) * 1e6 +
      Math.floor((timeMs - whole) * 1e6);
    this.fixed64(tag, low % WORD, Math.floor(top / 2 ** 12) + Math.floor(low / WORD));
  }

  /** A copy of everything so far; then it begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const whole = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(START_BYTES);
    return whole;
  }

  /** A short text, if it is of ASCII only. */
  #ascii(tag: number, text: string): boolean {
    this.#reserve(2 + text.length);
    const bytes = this.#bytes;
    const start = this.#length + 2;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= ASCII_END) return false;
      bytes[start + i] = code;
    }
    bytes[start - 2] = tag;
    bytes[start - 1] = text.length;
    this.#length = start + text.length;
    return true;
  }

  #word(word: number): void {
    const bytes = this.#bytes;
    bytes[this.#length++] = word;
    bytes[this.#length++] = word >>> 8;
    bytes[this.#length++] = word >>> 16;
    bytes[this.#length++] = word >>> 24;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function nibble(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
