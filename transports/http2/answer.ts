/**
 * What is written to the connection of one request, as a `Response`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type ResponseHead, ResponseReader } from "./response_reader.ts";

/** Bytes of a body that wait for hyper to take them, before the writer has to wait, too. */
const QUEUE_BYTES = 64 * 1024;
/** hyper keeps one piece for each stream whose client's window is shut, as long as the connection lives. */
const PIECE_BYTES = 16 * 1024;
/** A body of so much is handed over whole: a stream for each would take half as long again. */
const WHOLE_BYTES_MAX = 16 * 1024;

/** One answer. */
export class Answer {
  /** Resolves when the head is there; always. */
  readonly response: Promise<Response>;
  readonly #reader: ResponseReader;
  readonly #onGone: () => void;
  #resolve!: (response: Response) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Body of an answer that is handed over whole. */
  readonly #whole: Uint8Array[] = [];
  #isOver = false;
  #taken: (() => void) | undefined;

  /**
   * @param hasBody false for the answer to HEAD
   * @param onGone the client does not want the rest
   */
  constructor(hasBody: boolean, onGone: () => void) {
    this.#reader = new ResponseReader(hasBody);
    this.#onGone = onGone;
    this.response = new Promise((resolve) => this.#resolve = resolve);
  }

  /**
   * Takes what was written.
   *
   * @param taken called when there is room for more
   * @throws {RangeError} something that is no answer
   */
  write(bytes: Uint8Array, taken: () => void): void {
    const parts = this.#isOver ? [] : this.#reader.push(bytes);
    const { head, isDone } = this.#reader;
    if (this.#controller !== undefined) this.#enqueue(parts);
    else if (head !== undefined && !this.#isOver) this.#begin(head, parts);
    if (isDone) this.#close();
    if (this.#isOver || (this.#controller?.desiredSize ?? 1) > 0) taken();
    else this.#taken = taken;
  }

  /** Nothing more will be written. An answer that is not whole is seen as broken by the client. */
  end(): void {
    if (this.#isOver) return;
    if (this.#reader.end()) return this.#close();
    this.#isOver = true;
    this.#resolve(new Response(null, { status: 500 })); // without an answer; else resolved long ago
    this.#controller?.error(new Error("the answer was broken off"));
    this.#free();
  }

  #begin({ status, headers, bodyBytes }: ResponseHead, parts: readonly Uint8Array[]): void {
    const init = { status, headers: headers as [string, string][] };
    if (bodyBytes <= WHOLE_BYTES_MAX) {
      this.#whole.push(...parts);
      if (this.#reader.isDone) this.#resolve(new Response(wholeOf(this.#whole), init));
      return;
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#free(),
      cancel: () => {
        this.#isOver = true;
        this.#free();
        this.#onGone();
      },
    }, { highWaterMark: QUEUE_BYTES, size: (piece) => piece.length });
    this.#resolve(new Response(body, init));
    this.#enqueue(parts);
  }

  #enqueue(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += PIECE_BYTES) {
        this.#controller!.enqueue(part.subarray(at, at + PIECE_BYTES));
      }
    }
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
    this.#free();
  }

  #free(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }
}

function wholeOf(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | null {
  return parts.length === 0 ? null : Buffer.concat(parts);
}
