/**
 * What each compression costs, and in the name of its bench what it brings. zstd 19 is left out: it takes over
 * 30 ms for any size.
 *
 * @module
 */
import { availableCompressions, compressorByName } from "../lib/framing/compression/compressors.ts";
import { toolCall, toolsList } from "./fixtures/mcp_json.ts";

const KB = 1024;
const inputs: [label: string, bytes: Uint8Array][] = [
  ["1 KB call", toolCall()],
  ...[10, 100, 256].map((size): [string, Uint8Array] => [`${size} KB`, toolsList(size * KB)]),
];

for (const [label, plain] of inputs) {
  for (const name of availableCompressions()) {
    if (name === "none" || name === "zstd-19") continue;
    const compressor = compressorByName(name)!;
    const small = compressor.compress(plain);
    const back = compressor.decompress(small, plain.length);
    if (!back.every((byte, i) => byte === plain[i])) {
      throw new Error(`Cannot measure ${name}: wrong`);
    }
    const ratio = (plain.length / small.length).toFixed(2);
    Deno.bench(`${name} compress, ${label} (${ratio}:1)`, { group: `compress ${label}` }, () => {
      compressor.compress(plain);
    });
    Deno.bench(`${name} decompress, ${label}`, { group: `decompress ${label}` }, () => {
      compressor.decompress(small, plain.length);
    });
  }
}
