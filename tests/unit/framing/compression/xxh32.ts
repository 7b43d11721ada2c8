/**
 * xxHash32 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) with seed 0, for inputs below 16 bytes: the
 * header of an LZ4 frame needs it.
 *
 * @module
 */

const PRIME_1 = 0x9e3779b1, PRIME_2 = 0x85ebca77, PRIME_3 = 0xc2b2ae3d, PRIME_5 = 0x165667b1;

/** The hash of less than 4 bytes. */
export function xxh32(bytes: Uint8Array): number {
  if (bytes.length >= 4) throw new RangeError("Cannot hash: only short inputs are needed here");
  let hash = (PRIME_5 + bytes.length) | 0;
  for (const byte of bytes) {
    hash = (hash + Math.imul(byte, PRIME_5)) | 0;
    hash = Math.imul(hash << 11 | hash >>> 21, PRIME_1);
  }
  hash = Math.imul(hash ^ hash >>> 15, PRIME_2);
  hash = Math.imul(hash ^ hash >>> 13, PRIME_3);
  return (hash ^ hash >>> 16) >>> 0;
}
