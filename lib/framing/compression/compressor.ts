/**
 * What a compression is to the rest: bytes to bytes, bounded.
 *
 * @module
 */
import { GatewayError, reasonOf } from "../../core/errors.ts";

/** Every compression there is, by the name used in settings and metrics. */
export type CompressionName = "none" | "gzip" | "deflate" | "lz4" | "zstd" | "zstd-19" | "brotli";

/** One way to compress. Stateless: each call stands for itself. */
export interface Compressor {
  readonly name: CompressionName;
  /** Names the format on the wire; what differs only in effort has the same id. */
  readonly id: number;
  /** The compressed bytes: new ones, never a view of the input (`none` returns its input). */
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * What was compressed. Never makes more than `bytesMax` bytes, whatever the input claims.
   *
   * @throws {GatewayError} PayloadTooLarge when it is more than `bytesMax`, ParseError when it is not of this format
   */
  decompress(bytes: Uint8Array, bytesMax: number): Uint8Array;
}

/** A bare format, without a bound on what comes out. */
export interface BareFormat {
  readonly name: CompressionName;
  readonly id: number;
  /** Most that one compressed byte can stand for; what claims more is refused before memory is taken. */
  readonly expansionMax: number;
  /** @param reserveBytes left free before the compressed bytes */
  deflate(bytes: Uint8Array, reserveBytes: number): Uint8Array;
  /** Throws anything when the input is not of this format or makes more than `plainBytes`. */
  inflate(bytes: Uint8Array, plainBytes: number): Uint8Array;
}

const HEADER_BYTES = 4;

/**
 * Puts `[length of the plain bytes: 32 little-endian]` before a bare format, as python-lz4 and lz4_flex
 * do. It bounds memory before anything is inflated, and it notices what Deno's zstd and brotli pass over
 * in silence: a stream that was cut off is an empty or shorter result to them (Deno 2.9.6).
 */
export function sized(format: BareFormat): Compressor {
  return {
    name: format.name,
    id: format.id,
    compress(bytes) {
      const whole = format.deflate(bytes, HEADER_BYTES);
      for (let i = 0; i < HEADER_BYTES; i++) whole[i] = bytes.length >>> (8 * i);
      return whole;
    },
    decompress(bytes, bytesMax) {
      if (bytes.length < HEADER_BYTES) throw malformed(format.name, "it has no header");
      const plainBytes = bytes[0] + bytes[1] * 0x100 + bytes[2] * 0x10000 + bytes[3] * 0x1000000;
      if (plainBytes > bytesMax) throw tooLarge(bytesMax);
      if (plainBytes > (bytes.length - HEADER_BYTES) * format.expansionMax) {
        throw malformed(format.name, "it claims more than its bytes can hold");
      }
      const plain = inflate(format, bytes.subarray(HEADER_BYTES), plainBytes);
      if (plain.length !== plainBytes) throw malformed(format.name, "its length is wrong");
      return plain;
    },
  };
}

/** No compression. */
export const NONE: Compressor = {
  name: "none",
  id: 0,
  compress: (bytes) => bytes,
  decompress(bytes, bytesMax) {
    if (bytes.length > bytesMax) throw tooLarge(bytesMax);
    return bytes;
  },
};

/** A copy of bytes behind free space. */
export function withReserve(bytes: Uint8Array, reserveBytes: number): Uint8Array {
  const whole = new Uint8Array(reserveBytes + bytes.length);
  whole.set(bytes, reserveBytes);
  return whole;
}

function inflate(format: BareFormat, bytes: Uint8Array, plainBytes: number): Uint8Array {
  try {
    return format.inflate(bytes, plainBytes);
  } catch (error) {
    throw malformed(format.name, reasonOf(error), error);
  }
}

function tooLarge(bytesMax: number): GatewayError {
  const why = `it inflates to more than ${bytesMax} bytes`;
  return new GatewayError("PayloadTooLarge", `Cannot accept compressed data: ${why}`);
}

function malformed(name: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError("ParseError", `Cannot read ${name} data: ${why}`, { cause });
}
