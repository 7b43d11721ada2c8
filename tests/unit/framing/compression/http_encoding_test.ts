import assert from "node:assert/strict";
import fc from "fast-check";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import {
  chooseEncoding,
  chooseStreamEncoding,
  encodeBody,
} from "../../../../lib/framing/compression/http_encoding.ts";

Deno.test("chooseEncoding() takes the highest weight, and the cheapest of equals", () => {
  const choose = (header: string | undefined) => chooseEncoding(header, 1024);
  assert.equal(choose("gzip, deflate, br, zstd"), "zstd"); // Chrome
  assert.equal(choose("br, gzip, deflate"), "gzip"); // undici
  assert.equal(choose("gzip;q=0.5, br;q=0.9"), "br");
  assert.equal(choose("deflate"), "deflate");
  assert.equal(choose("X-GZIP"), "gzip");
  assert.equal(choose("*"), "zstd");
  assert.equal(choose("zstd;q=0, *"), "gzip");
  assert.equal(choose("gzip ; q=0.001"), "gzip");
});

Deno.test("chooseEncoding() sends as it is what is small, not asked for, refused or less liked", () => {
  assert.equal(chooseEncoding("gzip", 1023), undefined);
  const refusals = [undefined, "", " , ", "identity", "gzip;q=0", "*;q=0", "compress"];
  for (const header of [...refusals, "identity, gzip;q=0.5", "gzip;q=2", "gzip;q=x"]) {
    assert.equal(chooseEncoding(header, 5000), undefined, header);
  }
});

Deno.test("chooseStreamEncoding() knows gzip alone", () => {
  assert.equal(chooseStreamEncoding("br, zstd, gzip;q=0.1"), "gzip");
  assert.equal(chooseStreamEncoding("br, zstd"), undefined);
});

Deno.test("chooseEncoding() never throws", () => {
  const part = fc.constantFrom("gzip", "br", "*", ";", "q=", "=", ",", "0.5", " ", "identity");
  fc.assert(fc.property(fc.array(part), (parts) => void chooseEncoding(parts.join(""), 5000)));
});

Deno.test("encodeBody() is what the coding's name says", () => {
  const body = new TextEncoder().encode('{"type":"string"},'.repeat(100));
  const readers = {
    gzip: gunzipSync,
    deflate: inflateSync,
    br: brotliDecompressSync,
    zstd: zstdDecompressSync,
  } as const;
  for (const [name, read] of Object.entries(readers)) {
    const coded = encodeBody(name as keyof typeof readers, body);
    assert.ok(coded.length < body.length / 5);
    assert.deepEqual(new Uint8Array(read(coded)), body);
  }
});
