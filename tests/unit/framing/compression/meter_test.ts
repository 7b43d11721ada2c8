import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { compressorByName } from "../../../../lib/framing/compression/compressors.ts";
import {
  CompressionMeter,
  type CompressionObservation,
} from "../../../../lib/framing/compression/meter.ts";

const piece = (cpuMs: number, plainBytes = 1000) =>
  ({ name: "gzip", plainBytes, wireBytes: plainBytes / 4, cpuMs }) as const;

Deno.test("CompressionMeter tells ratio and totals, and hands on each piece", () => {
  const seen: CompressionObservation[] = [];
  const meter = new CompressionMeter((observation) => seen.push(observation));
  assert.equal(meter.ratio("gzip"), 1);
  const text = new TextEncoder().encode("abc ".repeat(1000));
  const small = meter.compress(compressorByName("gzip")!, text);
  assert.deepEqual(
    seen.map(({ name, plainBytes, wireBytes }) => [name, plainBytes, wireBytes]),
    [["gzip", 4000, small.length]],
  );
  assert.equal(meter.ratio("gzip"), 4000 / small.length);
  meter.observe(piece(2));
  assert.equal(meter.totals("gzip").pieces, 2);
  assert.equal(meter.totals("gzip").plainBytes, 5000);
});

Deno.test("CompressionMeter knows the cost by size once it is warm", () => {
  const meter = new CompressionMeter();
  for (let i = 0; i < 7; i++) meter.observe(piece(i === 0 ? 50 : 1));
  assert.equal(meter.costMs("gzip", 500), undefined);
  meter.observe(piece(1));
  assert.equal(meter.costMs("gzip", 500), 0.5);
  assert.equal(meter.costMs("gzip", 50_000), undefined);
  assert.equal(meter.costMs("lz4", 500), undefined);
});

Deno.test("CompressionMeter takes one slow piece for an accident and many for the truth", () => {
  const meter = new CompressionMeter();
  for (let i = 0; i < 8; i++) meter.observe(piece(1));
  meter.observe(piece(1000));
  assert.ok(meter.costMs("gzip", 1000)! < 1.2);
  for (let i = 0; i < 100; i++) meter.observe(piece(1000));
  assert.ok(meter.costMs("gzip", 1000)! > 900);
});

Deno.test("CompressionMeter forgets a cost that nothing has confirmed for 10 s", () => {
  const clock = FakeTimers.install({ toFake: ["performance"] });
  try {
    const meter = new CompressionMeter();
    for (let i = 0; i < 8; i++) meter.observe(piece(1));
    clock.tick(10_000);
    assert.equal(meter.costMs("gzip", 1000), 1);
    clock.tick(1);
    assert.equal(meter.costMs("gzip", 1000), undefined);
  } finally {
    clock.uninstall();
  }
});
