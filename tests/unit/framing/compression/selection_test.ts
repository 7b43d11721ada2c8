import assert from "node:assert/strict";
import {
  affordableCompression,
  selectCompression,
} from "../../../../lib/framing/compression/selection.ts";

Deno.test("selectCompression() follows the rule at each of its edges", () => {
  const select = (bytes: number, latencyBudgetMs: number, cpuFree: number) =>
    selectCompression({ bytes, latencyBudgetMs, cpuFree });
  assert.equal(select(1023, 1000, 1), "none");
  assert.equal(select(1024, 4.9, 0.21), "lz4");
  assert.equal(select(1024, 4.9, 0.2), "gzip");
  assert.equal(select(1024, 5, 1), "gzip");
  assert.equal(select(1e6, 0, 1), "lz4");
  assert.equal(select(10_241, 10.1, 0.51), "zstd");
  assert.equal(select(10_240, 10.1, 0.51), "gzip");
  assert.equal(select(10_241, 10, 0.51), "gzip");
  assert.equal(select(10_241, 10.1, 0.5), "gzip");
});

Deno.test("affordableCompression() steps down to what both ends have and time allows", () => {
  const load = { bytes: 20_000, latencyBudgetMs: 12, cpuFree: 1 };
  const choose = (missing: string[], costs: Record<string, number>) =>
    affordableCompression("zstd", load, {
      isAvailable: (name) => !missing.includes(name),
      costMs: (name) => costs[name],
    });
  assert.equal(choose([], {}), "zstd");
  assert.equal(choose(["zstd"], {}), "gzip");
  assert.equal(choose([], { zstd: 12 }), "zstd");
  assert.equal(choose([], { zstd: 13 }), "gzip");
  assert.equal(choose([], { zstd: 13, gzip: 20 }), "lz4");
  assert.equal(choose(["lz4"], { zstd: 13, gzip: 20 }), "none");
});
