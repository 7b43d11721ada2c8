/**
 * The formats of `node:zlib`. Synchronous, for codecs are: gzip of 10 KB takes 0.05 ms, through the thread
 * pool 0.07. Of 263 KB it takes 1.5 ms either way, in which nothing else runs (docs/tuning.md).
 *
 * @module
 */
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { type BareFormat, type CompressionName, withReserve } from "./compressor.ts";

/** 97 % of the ratio of level 6 in 0.7 of its time, measured on 100 KB of a real `tools/list`. */
export const GZIP_LEVEL = 4;
/** Quality 5 takes half as long again for 6 % less, measured on the same. */
export const BROTLI_QUALITY = 4;
/** The default of zstd. */
export const ZSTD_LEVEL = 3;
/** A frame of ours needs 8 MiB at most; a hostile one could ask for 128. */
const ZSTD_WINDOW_LOG_MAX = 26;
/** Of deflate: 258 bytes from 2 bits. */
const DEFLATE_EXPANSION_MAX = 1032;
/** Of brotli and zstd, whose long repetitions have no such bound that matters. */
const UNBOUNDED = Infinity;

type Coded = Uint8Array;

/** gzip, RFC 1952. */
export const gzip: BareFormat = {
  name: "gzip",
  id: 1,
  expansionMax: DEFLATE_EXPANSION_MAX,
  deflate: (bytes, reserve) => withReserve(gzipSync(bytes, { level: GZIP_LEVEL }), reserve),
  inflate: (bytes, plainBytes) => gunzipSync(bytes, bounded(plainBytes)),
};

/** deflate with the header of zlib, RFC 1950. */
export const deflate: BareFormat = {
  name: "deflate",
  id: 2,
  expansionMax: DEFLATE_EXPANSION_MAX,
  deflate: (bytes, reserve) => withReserve(deflateSync(bytes, { level: GZIP_LEVEL }), reserve),
  inflate: (bytes, plainBytes) => inflateSync(bytes, bounded(plainBytes)),
};

/** brotli, RFC 7932. */
export const brotli: BareFormat = {
  name: "brotli",
  id: 5,
  expansionMax: UNBOUNDED,
  deflate: (bytes, reserve) => withReserve(brotliBytes(bytes), reserve),
  inflate: (bytes, plainBytes) => brotliDecompressSync(bytes, bounded(plainBytes)),
};

/** zstd 3, RFC 8878. */
export const zstd: BareFormat = zstdFormat("zstd", ZSTD_LEVEL);
/** zstd 19: for what is compressed once and sent often; it takes 35 ms and more, whatever the size. */
export const zstd19: BareFormat = zstdFormat("zstd-19", 19);

/** Compresses to brotli as in HTTP. */
export function brotliBytes(bytes: Uint8Array): Coded {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/** Compresses to zstd as in HTTP. */
export function zstdBytes(bytes: Uint8Array, level = ZSTD_LEVEL): Coded {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

let zstdWorks: boolean | undefined;

/** Whether this runtime has zstd: Deno 2.6.8 exports the functions, and they fail. Tried once, at first use. */
export function isZstdAvailable(): boolean {
  return zstdWorks ??= tryZstd();
}

function tryZstd(): boolean {
  const text = new TextEncoder().encode("zstd ".repeat(20));
  try {
    const back = zstd.inflate(zstd.deflate(text, 0), text.length);
    return back.length === text.length && back.every((byte, i) => byte === text[i]);
  } catch {
    return false; // whatever it fails with: it cannot be used
  }
}

function zstdFormat(name: CompressionName, level: number): BareFormat {
  return {
    name,
    id: 4,
    expansionMax: UNBOUNDED,
    deflate: (bytes, reserve) => withReserve(zstdBytes(bytes, level), reserve),
    inflate: (bytes, plainBytes) =>
      zstdDecompressSync(bytes, {
        ...bounded(plainBytes),
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
      }),
  };
}

/** The limit of node:zlib, which must not be 0. */
function bounded(plainBytes: number): { maxOutputLength: number } {
  return { maxOutputLength: Math.max(1, plainBytes) };
}
