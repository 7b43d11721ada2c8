/**
 * Reads the one answer that `node:http` writes to a connection, whatever the pieces it comes in.
 *
 * @module
 */

/** Status and fields of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Bytes of the body; `Infinity` when that is not known beforehand. */
  readonly bodyBytes: number;
  /** The connection ends with this answer. */
  readonly closes: boolean;
}

type State = "head" | "size" | "chunk" | "chunk_end" | "length" | "until_close" | "done";

/** Our own server's heads are far smaller. */
const HEAD_CHARACTERS_MAX = 256 * 1024;
const HEAD_END = "\r\n\r\n";
const LF = 0x0a;
const latin1 = new TextDecoder("latin1");
/** About the connection, which is another one outside (RFC 9113, 8.2.2). */
const DROPPED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** One per answer. */
export class ResponseReader {
  /** Known from the end of the head on; interim answers (1xx) are left out. */
  head: ResponseHead | undefined;
  readonly #hasBody: boolean;
  #state: State = "head";
  #text = "";
  #size = "";
  /** Bytes left of the chunk, of its end, or of the body. */
  #left = 0;

  /** @param hasBody false for the answer to HEAD */
  constructor(hasBody: boolean) {
    this.#hasBody = hasBody;
  }

  /** Whether the whole answer has been read. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /**
   * Takes what has been written. Returns the parts of the body in it.
   *
   * @throws {RangeError} something that is no answer
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let rest = bytes;
    while (rest.length > 0 && this.#state !== "done") rest = this.#step(rest, parts);
    return parts;
  }

  /** The connection is at its end. Returns whether the answer is, too. */
  end(): boolean {
    if (this.#state === "until_close") this.#state = "done";
    return this.isDone;
  }

  #step(bytes: Uint8Array, parts: Uint8Array[]): Uint8Array {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes);
      case "size":
        return this.#readSize(bytes);
      case "until_close":
        parts.push(bytes);
        return bytes.subarray(bytes.length);
    }
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    if (this.#state !== "chunk_end") parts.push(part);
    if (this.#left === 0) this.#next();
    return bytes.subarray(part.length);
  }

  #next(): void {
    if (this.#state === "length") this.#state = "done";
    else if (this.#state === "chunk_end") this.#state = "size";
    else {
      this.#state = "chunk_end";
      this.#left = 2;
    }
  }

  #readHead(bytes: Uint8Array): Uint8Array {
    const before = this.#text.length;
    this.#text += latin1.decode(bytes);
    const end = this.#text.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length));
    if (end >= 0) {
      const text = this.#text.slice(0, end);
      this.#text = "";
      this.#begin(text);
      return bytes.subarray(end + HEAD_END.length - before);
    }
    if (this.#text.length > HEAD_CHARACTERS_MAX) {
      throw new RangeError(`Cannot read answer: head larger than ${HEAD_CHARACTERS_MAX}`);
    }
    return bytes.subarray(bytes.length);
  }

  #begin(text: string): void {
    const [first, ...lines] = text.split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})\b/.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new RangeError("Cannot read answer: no status");
    if (status < 200) return;
    let length: number | undefined, isChunked = false, closes = false;
    const headers: [string, string][] = [];
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase(), value = line.slice(colon + 1).trim();
      if (name === "content-length") length = Number(value);
      if (name === "transfer-encoding") isChunked = true;
      if (name === "connection") closes = value.toLowerCase() === "close";
      if (!DROPPED.has(name)) headers.push([name, value]);
    }
    const isEmpty = !this.#hasBody || status === 204 || status === 304 || length === 0;
    const bodyBytes = isEmpty ? 0 : isChunked ? Infinity : length ?? Infinity;
    this.head = { status, headers, bodyBytes, closes };
    this.#left = bodyBytes;
    if (isEmpty) this.#state = "done";
    else if (isChunked) this.#state = "size";
    else this.#state = length === undefined ? "until_close" : "length";
  }

  #readSize(bytes: Uint8Array): Uint8Array {
    const lf = bytes.indexOf(LF);
    this.#size += latin1.decode(lf < 0 ? bytes : bytes.subarray(0, lf));
    if (lf < 0) return bytes.subarray(bytes.length);
    const size = Number.parseInt(this.#size, 16);
    if (Number.isNaN(size)) throw new RangeError("Cannot read answer: no size of a chunk");
    this.#size = "";
    this.#left = size;
    this.#state = size === 0 ? "done" : "chunk"; // what can follow are trailers, which we never send
    return bytes.subarray(lf + 1);
  }
}
