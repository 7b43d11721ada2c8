/**
 * The framing between two Sluices: `[Length:32 big-endian][Codec:8][payload]`. The length counts what
 * follows it. The payload inflates to messages, one on each line; a frame carries a batch.
 *
 * The low 7 bits of the codec are the id of a compression; the highest bit says that the sender of the
 * frame can read zstd, which not every runtime can. Until the peer has said so, it gets none.
 *
 * @module
 */
import type { Batch, Codec, Decoder } from "../core/connection.ts";
import { GatewayError, reasonOf } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import type { CompressionName } from "./compression/compressor.ts";
import { compressorById, compressorByName } from "./compression/compressors.ts";
import { CompressionMeter } from "./compression/meter.ts";
import { affordableCompression, selectCompression } from "./compression/selection.ts";
import { isZstdAvailable } from "./compression/zlib_formats.ts";
import { LengthFrames } from "./length_frames.ts";

/** How a private hop behaves. */
export interface PrivateHopOptions {
  /** Longest message, bytes; for what is received. A frame as it travels is as long at most, or 256 KiB. */
  readonly messageBytesMax: number;
  /** One compression for all frames of 1 KiB and more, or the choice by {@link selectCompression}. */
  readonly compress?: CompressionName | "auto";
  /** What compression may add to the latency, ms. */
  readonly latencyBudgetMs?: number;
  /** Share of the processor that is idle, 0..1. */
  readonly cpuFree?: () => number;
  /** Measures what is sent; its figures also guide the choice. */
  readonly meter?: CompressionMeter;
}

/** A frame may inflate to so many times the largest message, */
const INFLATION_MAX = 16;
/** but never to more than this, bytes. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024;
/** Lines of a frame taken at most: 64 MiB of line feeds fit into 2 KB of zstd. */
const LINES_MAX = 10_000;
/**
 * A frame sent is complete at this size before compression, and any receiver takes one of this size: 256 KiB
 * take 0.6 ms to compress. Bytes.
 */
const FRAME_BYTES = 256 * 1024;
/** Messages of a frame sent. */
const FRAME_MESSAGES_MAX = 1000;
/** Smaller frames are not compressed, whatever is set. Bytes. */
const COMPRESS_BYTES_MIN = 1024;
const READS_ZSTD = 0x80;
const HEADER_BYTES = 5;
const LF = 0x0a, CR = 0x0d, SPACE = 0x20, TAB = 0x09;
const LATENCY_BUDGET_MS = 4;

/**
 * The framing of one connection: what the peer can read is learnt from its frames, so each connection
 * needs a codec of its own.
 *
 * Received: a frame or line over the limits is one fatal `PayloadTooLarge`, a frame that cannot be inflated
 * a fatal `ParseError`, a frame without a message an `InvalidRequest`.
 */
export function privateHop(options: PrivateHopOptions): Codec {
  const hop = new PrivateHop(options);
  return {
    name: "private-hop",
    decoder: () => new PrivateHopDecoder(options.messageBytesMax, (reads) => hop.learn(reads)),
    encode: (batch) => hop.encode(batch),
  };
}

class PrivateHop {
  readonly #wanted: CompressionName | "auto";
  readonly #latencyBudgetMs: number;
  readonly #cpuFree: () => number;
  readonly #meter: CompressionMeter;
  #peerReadsZstd = false;

  constructor(options: PrivateHopOptions) {
    this.#wanted = options.compress ?? "auto";
    this.#latencyBudgetMs = options.latencyBudgetMs ?? LATENCY_BUDGET_MS;
    this.#cpuFree = options.cpuFree ?? (() => 1);
    this.#meter = options.meter ?? new CompressionMeter();
  }

  learn(peerReadsZstd: boolean): void {
    this.#peerReadsZstd = peerReadsZstd;
  }

  encode(batch: Batch): Uint8Array {
    const frames: Uint8Array[] = [];
    for (let from = 0; from < batch.length;) {
      let to = from, bytes = 0;
      do bytes += batch[to++].bytes.length + 1; while (
        to < batch.length && to - from < FRAME_MESSAGES_MAX &&
        bytes + batch[to].bytes.length < FRAME_BYTES
      );
      frames.push(this.#frame(batch, from, to, bytes - 1));
      from = to;
    }
    return frames.length === 1 ? frames[0] : joined(frames);
  }

  /** @param bytes of the lines, without a line feed after the last */
  #frame(batch: Batch, from: number, to: number, bytes: number): Uint8Array {
    const frame = new Uint8Array(HEADER_BYTES + bytes);
    let at = HEADER_BYTES;
    for (let i = from; i < to; i++) {
      const line = batch[i].lineBytes();
      frame.set(line, at);
      at += line.length;
      if (i + 1 < to) frame[at++] = LF;
    }
    const name = this.#choose(bytes);
    const compressor = name === "none" ? undefined : compressorByName(name);
    if (compressor === undefined) return withHeader(frame, 0);
    const compressed = this.#meter.compress(compressor, frame.subarray(HEADER_BYTES));
    if (compressed.length >= bytes) return withHeader(frame, 0);
    const small = new Uint8Array(HEADER_BYTES + compressed.length);
    small.set(compressed, HEADER_BYTES);
    return withHeader(small, compressor.id);
  }

  #choose(bytes: number): CompressionName {
    if (bytes < COMPRESS_BYTES_MIN || this.#wanted === "none") return "none";
    const isAvailable = (name: CompressionName) =>
      name.startsWith("zstd")
        ? this.#peerReadsZstd && isZstdAvailable()
        : compressorByName(name) !== undefined;
    if (this.#wanted !== "auto") return isAvailable(this.#wanted) ? this.#wanted : "lz4";
    const load = { bytes, latencyBudgetMs: this.#latencyBudgetMs, cpuFree: this.#cpuFree() };
    const costMs = (name: CompressionName, size: number) => this.#meter.costMs(name, size);
    return affordableCompression(selectCompression(load), load, { isAvailable, costMs });
  }
}

class PrivateHopDecoder implements Decoder {
  readonly #messageBytesMax: number;
  readonly #inflatedBytesMax: number;
  readonly #frames: LengthFrames;
  readonly #onReadsZstd: (reads: boolean) => void;

  constructor(messageBytesMax: number, onReadsZstd: (reads: boolean) => void) {
    this.#messageBytesMax = messageBytesMax;
    const inflatedBytesMax = Math.min(INFLATION_MAX * messageBytesMax, INFLATED_BYTES_MAX);
    this.#inflatedBytesMax = Math.max(inflatedBytesMax, FRAME_BYTES);
    this.#frames = new LengthFrames(1 + Math.max(messageBytesMax, FRAME_BYTES));
    this.#onReadsZstd = onReadsZstd;
  }

  push(chunk: Uint8Array): Batch {
    const batch: Message[] = [];
    const problem = this.#frames.push(chunk, (frame) => this.#takeFrame(frame, batch));
    if (problem !== undefined) batch.push(Message.invalid(problem));
    return batch;
  }

  end(): Batch {
    const problem = this.#frames.end();
    return problem === undefined ? [] : [Message.invalid(problem)];
  }

  /** False when there is nothing more to understand. */
  #takeFrame(frame: Uint8Array, batch: Message[]): boolean {
    try {
      const before = batch.length;
      if (frame.length > 1) this.#takeLines(this.#plain(frame), batch);
      if (batch.length === before) batch.push(EMPTY);
      return true;
    } catch (error) {
      batch.push(Message.invalid(fatal(error)));
      return false;
    }
  }

  #plain(frame: Uint8Array): Uint8Array {
    const compressor = compressorById(frame[0] & ~READS_ZSTD);
    this.#onReadsZstd((frame[0] & READS_ZSTD) !== 0);
    if (compressor === undefined) throw new GatewayError("ParseError", "it has an unknown codec");
    return compressor.decompress(frame.subarray(1), this.#inflatedBytesMax);
  }

  #takeLines(plain: Uint8Array, batch: Message[]): void {
    let lines = 0;
    for (let start = 0; start < plain.length;) {
      const found = plain.indexOf(LF, start);
      const end = found < 0 ? plain.length : found;
      if (end - start > this.#messageBytesMax) {
        throw new GatewayError(
          "PayloadTooLarge",
          `a message has over ${this.#messageBytesMax} bytes`,
        );
      }
      if (++lines > LINES_MAX) {
        throw new GatewayError("PayloadTooLarge", `it has over ${LINES_MAX} lines`);
      }
      const line = plain.subarray(start, end);
      if (!isBlank(line)) batch.push(Message.from(line));
      start = end + 1;
    }
  }
}

/** One for all, see length_prefixed.ts. */
const EMPTY = Message.invalid(
  new GatewayError("InvalidRequest", "Cannot accept message: its frame is empty"),
);

function fatal(error: unknown): GatewayError {
  const failure = error instanceof GatewayError ? error.failure : "ParseError";
  const text = `Cannot read frame: ${reasonOf(error)}`;
  return new GatewayError(failure, text, { fatal: true, cause: error });
}

function withHeader(frame: Uint8Array, codecId: number): Uint8Array {
  const length = frame.length - 4;
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  frame[4] = codecId | (isZstdAvailable() ? READS_ZSTD : 0);
  return frame;
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.length;
  }
  return whole;
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === SPACE || byte === CR || byte === TAB);
}
