/**
 * What compression has done in this process, whoever asked for it: there are many places that compress, and
 * one figure to be told (`sluice_compression_ratio`). permessage-deflate is not in it: its library does not tell.
 *
 * @module
 */

/** Sums over all pieces of one encoding. */
export interface CompressedBytes {
  plainBytes: number;
  wireBytes: number;
}

const TOTALS = new Map<string, CompressedBytes>();

/** Counts one piece. */
export function countCompressed(encoding: string, plainBytes: number, wireBytes: number): void {
  let totals = TOTALS.get(encoding);
  if (totals === undefined) TOTALS.set(encoding, totals = { plainBytes: 0, wireBytes: 0 });
  totals.plainBytes += plainBytes;
  totals.wireBytes += wireBytes;
}

/** By encoding, since the process started. */
export function compressedTotals(): ReadonlyMap<string, Readonly<CompressedBytes>> {
  return TOTALS;
}
