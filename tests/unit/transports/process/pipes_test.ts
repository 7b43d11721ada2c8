import assert from "node:assert/strict";
import fc from "fast-check";
import { LogLines } from "../../../../transports/process/pipes.ts";

Deno.test("LogLines hands on the same lines from any split, blank ones left out", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.nat(), (texts, cut) => {
    const all = new TextEncoder().encode(texts.join("\n"));
    const split = cut % (all.length + 1);
    const collect = (...chunks: Uint8Array[]) => {
      const lines: string[] = [];
      const target = new LogLines((line) => lines.push(line));
      chunks.forEach((chunk) => target.push(chunk));
      target.end();
      return lines;
    };
    assert.deepEqual(collect(all.subarray(0, split), all.subarray(split)), collect(all));
  }));
});

Deno.test("LogLines cuts a line at 8 KiB and goes on with the next", () => {
  const lines: string[] = [];
  const target = new LogLines((line) => lines.push(line));
  for (let i = 0; i < 100; i++) target.push(new Uint8Array(1000).fill(0x78));
  target.push(new TextEncoder().encode("\nnext\r\n\n"));
  assert.deepEqual(lines.map((line) => line.length), [8192, 4]);
});
