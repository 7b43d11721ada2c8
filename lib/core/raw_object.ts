/**
 * A JSON object taken apart one level deep: members can be read, replaced and removed while every
 * other value keeps its bytes. For the rare messages that are more than forwarded.
 *
 * @module
 */
import {
  beginScan,
  endScan,
  enter,
  malformed,
  MalformedJson,
  scanString,
  scanValue,
  skipSpace,
  valueAfterKey,
} from "./json_scanner.ts";

const COMMA = 0x2c, CLOSE_BRACE = 0x7d, OPEN_BRACE = 0x7b;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Members of a JSON object as raw bytes, in their order. Changing it leaves the source untouched. */
export class RawObject {
  /** Decoded key to raw value; a repeated key counts as its last. */
  readonly #members = new Map<string, Uint8Array>();

  /**
   * Takes an object apart.
   *
   * @param bytes JSON text of an object; nothing for an empty one
   * @throws {MalformedJson} when it is no JSON object
   */
  constructor(bytes?: Uint8Array) {
    if (bytes === undefined) return;
    beginScan(bytes, Infinity); // the depth was checked when the message came
    try {
      this.#read(bytes);
    } finally {
      endScan();
    }
  }

  #read(bytes: Uint8Array): void {
    let pos = skipSpace(0);
    if (bytes[pos] !== OPEN_BRACE) throw new MalformedJson("not an object");
    pos = enter(pos, 1);
    if (bytes[pos] === CLOSE_BRACE) return;
    for (;;) {
      const keyStart = pos;
      pos = scanString(pos);
      const key: string = JSON.parse(decoder.decode(bytes.subarray(keyStart, pos)));
      const start = valueAfterKey(pos);
      const end = scanValue(start, 1);
      this.#members.set(key, bytes.subarray(start, end));
      pos = skipSpace(end);
      if (bytes[pos] === CLOSE_BRACE) return;
      if (bytes[pos] !== COMMA) throw malformed(pos);
      pos = skipSpace(pos + 1);
    }
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size;
  }

  /** Keys, decoded. */
  keys(): Iterable<string> {
    return this.#members.keys();
  }

  /** The raw value of a member. */
  get(key: string): Uint8Array | undefined {
    return this.#members.get(key);
  }

  /** A member that is an object, taken apart; an empty one when it is absent or something else. */
  object(key: string): RawObject {
    const raw = this.#members.get(key);
    return new RawObject(raw?.[0] === OPEN_BRACE ? raw : undefined);
  }

  /** The parsed value of a member; `undefined` when it is absent. */
  value(key: string): unknown {
    const raw = this.#members.get(key);
    return raw && JSON.parse(decoder.decode(raw));
  }

  /** Sets a member to raw JSON text. */
  set(key: string, raw: Uint8Array): this {
    this.#members.set(key, raw);
    return this;
  }

  /** Sets a member to a value. */
  put(key: string, value: unknown): this {
    return this.set(key, encoder.encode(JSON.stringify(value)));
  }

  /** Removes a member; whether it was there. */
  delete(key: string): boolean {
    return this.#members.delete(key);
  }

  /** The object as JSON text. */
  bytes(): Uint8Array {
    const parts: Uint8Array[] = [];
    let length = 1;
    for (const [key, raw] of this.#members) {
      const head = encoder.encode(`${parts.length === 0 ? "{" : ","}${JSON.stringify(key)}:`);
      parts.push(head, raw);
      length += head.length + raw.length;
    }
    if (parts.length === 0) return encoder.encode("{}");
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    bytes[at] = CLOSE_BRACE;
    return bytes;
  }
}
