/**
 * All compressions, by name and by their id on the wire.
 *
 * @module
 */
import { type CompressionName, type Compressor, NONE, sized } from "./compressor.ts";
import { lz4 } from "./lz4.ts";
import { brotli, deflate, gzip, isZstdAvailable, zstd, zstd19 } from "./zlib_formats.ts";

/** In this order, so that an id finds the usual effort first. */
const ALL: readonly Compressor[] = [
  NONE,
  ...[gzip, deflate, lz4, zstd, zstd19, brotli].map(sized),
];

/** The id on the wire that not every runtime can read. */
const ZSTD_ID = zstd.id;

/** By name; `undefined` when this runtime has it not. */
export function compressorByName(name: CompressionName): Compressor | undefined {
  return availableOrNothing(ALL.find((compressor) => compressor.name === name));
}

/** By id; `undefined` when there is no such format, or this runtime has it not. */
export function compressorById(id: number): Compressor | undefined {
  return availableOrNothing(ALL.find((compressor) => compressor.id === id));
}

/** Names of all that this runtime has. */
export function availableCompressions(): CompressionName[] {
  return ALL.filter((compressor) => availableOrNothing(compressor)).map(({ name }) => name);
}

function availableOrNothing(compressor: Compressor | undefined): Compressor | undefined {
  return compressor?.id === ZSTD_ID && !isZstdAvailable() ? undefined : compressor;
}
