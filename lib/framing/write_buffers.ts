/**
 * Buffers that are filled, written and filled again. What a batch is encoded into is garbage as soon as the system
 * has taken it: at 200 MB/s of answers a third of all garbage, and the collector of the runtime lets 100 MB of
 * it gather before it looks (Deno 2.9.6).
 *
 * @module
 */

/** Bytes of the buffers that are kept, and how many of each. Larger ones are made for the occasion. */
const KINDS = [
  { byteLength: 4 * 1024, countMax: 128 },
  { byteLength: 20 * 1024, countMax: 32 },
  { byteLength: 84 * 1024, countMax: 16 },
].map((kind) => ({ ...kind, free: [] as ArrayBuffer[] }));

/** Bytes to write to, with any content, until they are given back. */
export function lend(byteLength: number): Uint8Array {
  const kind = KINDS.find((kind) => byteLength <= kind.byteLength);
  if (kind === undefined) return new Uint8Array(byteLength);
  return new Uint8Array(kind.free.pop() ?? new ArrayBuffer(kind.byteLength), 0, byteLength);
}

/** Gives bytes back that were lent. Only when nobody will look at them any more; it need not be done. */
export function giveBack({ buffer }: Uint8Array): void {
  const kind = KINDS.find((kind) => buffer.byteLength === kind.byteLength);
  if (kind !== undefined && kind.free.length < kind.countMax) kind.free.push(buffer as ArrayBuffer);
}
