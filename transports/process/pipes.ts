/**
 * The three pipes of a child process.
 *
 * Measured with a C echo and 150-byte lines: on Deno 2.9.6 `Deno.Command` with a BYOB reader carries 4.8-5.2M
 * messages a second and `spawn` of node:child_process 4.4-4.9M, which is no difference, both with 51 us for
 * one in flight; on 2.6.8 it is 5.2M against 1.3-1.9M. The BYOB reader also reads only when asked, so a child
 * that nobody listens to blocks on its pipe.
 *
 * @module
 */
import { allocate } from "../../lib/core/byte_pool.ts";
import type { ByteSink, ByteSource } from "../../lib/framing/bytes.ts";

/** What a pipe holds on Linux: no read brings more. */
const PIPE_BYTES = 64 * 1024;

type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Reads an output pipe. */
export class PipeSource implements ByteSource {
  readonly #reader: ReadableStreamBYOBReader;
  /** Filled by one read after the other. */
  #buffer = new ArrayBuffer(PIPE_BYTES);
  #pending: Promise<Uint8Array | null> = Promise.resolve(null);

  constructor(stream: ByteStream) {
    this.#reader = stream.getReader({ mode: "byob" });
  }

  read(): Promise<Uint8Array | null> {
    return this.#pending = this.#read();
  }

  /** Takes what still comes until the end, so that the process can write it and go. */
  async discardRest(): Promise<void> {
    try {
      let chunk = await this.#pending;
      do chunk = await this.read(); while (chunk !== null);
    } catch {
      // Broken or cancelled: nothing left to discard.
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  /** A BYOB read detaches the buffer it is given, views and all: the bytes are copied out before the next one. */
  async #read(): Promise<Uint8Array | null> {
    const { done, value } = await this.#reader.read(new Uint8Array(this.#buffer));
    if (done || value === undefined) return null;
    this.#buffer = value.buffer;
    const chunk = allocate(value.length);
    chunk.set(value);
    return chunk;
  }
}

/** Writes the input pipe; a write resolves when the pipe has taken all of it. */
export class PipeSink implements ByteSink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #closing: Promise<void> | undefined;
  #rejectWrite: ((reason: unknown) => void) | undefined;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    this.#writer.closed.catch(() => {}); // each write tells
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#rejectWrite = reject;
      this.#writer.write(chunk).then(resolve, reject);
    });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#writer.close();
  }

  /** The stream itself aborts only after the write under way, which a child that does not read holds up. */
  abort(reason?: unknown): Promise<void> {
    this.#rejectWrite?.(reason);
    return this.#writer.abort(reason);
  }
}

/** Longest line of stderr handed on; the rest of it is dropped. Bytes. */
const STDERR_LINE_BYTES_MAX = 8 * 1024;
const LF = 0x0a;

/** Hands on the lines of stderr until its end. Reads always: a child must never block on its own log. */
export async function readStderr(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const lines = new LogLines(onLine);
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {}); // it broke first
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      lines.push(value);
    }
  } catch {
    // The pipe broke: there is nothing more to log.
  } finally {
    signal.removeEventListener("abort", cancel);
    lines.end();
  }
}

/** Splits bytes into lines of text of bounded length. */
export class LogLines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  readonly #line = new Uint8Array(STDERR_LINE_BYTES_MAX);
  #length = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Hands on the lines that this chunk completes. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#append(chunk.subarray(start, end));
      this.end();
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
  }

  /** Hands on what is there of a line; blank lines are dropped. */
  end(): void {
    const text = this.#decoder.decode(this.#line.subarray(0, this.#length)).trimEnd();
    this.#length = 0;
    if (text !== "") this.#onLine(text);
  }

  #append(piece: Uint8Array): void {
    const room = STDERR_LINE_BYTES_MAX - this.#length;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    this.#line.set(kept, this.#length);
    this.#length += kept.length;
  }
}
