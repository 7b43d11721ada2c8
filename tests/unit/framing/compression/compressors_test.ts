import assert from "node:assert/strict";
import fc from "fast-check";
import { GatewayError } from "../../../../lib/core/errors.ts";
import {
  availableCompressions,
  compressorById,
  compressorByName,
} from "../../../../lib/framing/compression/compressors.ts";

const ROOMY = 1024 * 1024;
const all = availableCompressions().map((name) => compressorByName(name)!);
const coded = all.filter(({ name }) => name !== "none" && name !== "zstd-19");
const plain = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.array(fc.constantFrom('{"name":', '"type":"string"', "},", "x", "\0\0"), { maxLength: 300 })
    .map((words) => new TextEncoder().encode(words.join(""))),
);

function failureOf(deed: () => unknown): string {
  try {
    deed();
    return "none";
  } catch (error) {
    assert.ok(error instanceof GatewayError, `${error}`);
    return error.failure;
  }
}

Deno.test("compressorById() finds the format of every compressor", () => {
  for (const { name, id } of all) {
    assert.equal(compressorById(id)?.name, name === "zstd-19" ? "zstd" : name);
  }
  assert.equal(compressorById(77), undefined);
});

for (const compressor of all) {
  Deno.test(`${compressor.name} returns what it compressed, within the exact bound`, () => {
    const numRuns = compressor.name === "zstd-19" ? 5 : 200;
    fc.assert(
      fc.property(plain, (bytes) => {
        const small = compressor.compress(bytes);
        assert.deepEqual(new Uint8Array(compressor.decompress(small, bytes.length)), bytes);
        if (bytes.length === 0) return;
        const over = failureOf(() => compressor.decompress(small, bytes.length - 1));
        assert.equal(over, "PayloadTooLarge");
      }),
      { numRuns },
    );
  });
}

for (const { name, compress, decompress } of coded) {
  Deno.test(`${name} throws nothing but GatewayError on hostile bytes, and stays within the bound`, () => {
    const damaged = fc.tuple(plain, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }))
      .map(([bytes, changes]) => {
        const small = compress(bytes).slice();
        for (const [at, byte] of changes) small[at % small.length] = byte;
        return small;
      });
    const claim = fc.nat(0xffff).map((n) => Uint8Array.of(n & 255, n >>> 8, 0, 0));
    const noise = fc.tuple(claim, fc.uint8Array({ maxLength: 300 })).map(([head, rest]) =>
      new Uint8Array([...head, ...rest])
    );
    fc.assert(
      fc.property(fc.oneof(damaged, noise, fc.uint8Array({ maxLength: 10 })), (bytes) => {
        const failure = failureOf(() => {
          assert.ok(decompress(bytes, 5000).length <= 5000);
        });
        assert.ok(["none", "ParseError", "PayloadTooLarge"].includes(failure), failure);
      }),
      { numRuns: 1000 },
    );
  });

  Deno.test(`${name} refuses what was cut off anywhere`, () => {
    const small = compress(new TextEncoder().encode('{"type":"string"},'.repeat(40)));
    for (let end = 0; end < small.length; end++) {
      assert.equal(failureOf(() => decompress(small.slice(0, end), ROOMY)), "ParseError", `${end}`);
    }
  });

  Deno.test(`${name} refuses a bomb, whatever length it claims`, () => {
    const bomb = compress(new Uint8Array(8 * ROOMY)).slice();
    assert.equal(failureOf(() => decompress(bomb, ROOMY)), "PayloadTooLarge");
    bomb.set([0, 0, 8, 0]); // half of what may come out
    assert.equal(failureOf(() => decompress(bomb, ROOMY)), "ParseError");
    bomb.set([255, 255, 255, 255]);
    assert.equal(failureOf(() => decompress(bomb, ROOMY)), "PayloadTooLarge");
  });
}

Deno.test("a claim beyond what the bytes can hold is refused before memory is taken", () => {
  for (const name of ["gzip", "deflate", "lz4"] as const) {
    const { decompress } = compressorByName(name)!;
    const claim = Uint8Array.of(255, 255, 255, 3, 0x1f, 0x8b, 8, 0);
    assert.throws(() => decompress(claim, 64 * ROOMY), /claims more than its bytes can hold/);
  }
});
