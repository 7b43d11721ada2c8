import assert from "node:assert/strict";
import fc from "fast-check";
import { Latencies } from "../../../lib/bench/latencies.ts";

Deno.test("Latencies keeps three digits of every percentile", () => {
  const latencies = new Latencies();
  for (let i = 1; i <= 10_000; i++) latencies.record(i / 100);
  const { count, p50, p99, p999, max } = latencies.percentiles();
  assert.equal(count, 10_000);
  for (const [found, right] of [[p50, 50], [p99, 99], [p999, 99.9], [max, 100]]) {
    assert.ok(Math.abs(found / right - 1) < 0.002, `${found} for ${right}`);
  }
});

Deno.test("Latencies merges what others have encoded, without loss", () => {
  const values = fc.array(fc.double({ min: 0, max: 150_000, noNaN: true }), { maxLength: 50 });
  fc.assert(
    fc.property(values, values, (some, others) => {
      const [together, first, second] = [new Latencies(), new Latencies(), new Latencies()];
      some.forEach((ms) => [together, first].forEach((all) => all.record(ms)));
      others.forEach((ms) => [together, second].forEach((all) => all.record(ms)));
      const merged = Latencies.decode(first.encode());
      merged.add(Latencies.decode(second.encode()));
      assert.equal(merged.count, together.count);
      for (const percent of [50, 99, 100]) {
        const [found, right] = [merged.percentileMs(percent), together.percentileMs(percent)];
        assert.ok(Math.abs(found - right) <= 0.001 * right, `${found} for ${right}`);
      }
      const counted = merged.buckets().reduce((sum, [, count]) => sum + count, 0);
      assert.equal(counted, some.length + others.length);
    }),
    { numRuns: 30 },
  );
});

Deno.test("Latencies takes what is out of its range for its ends", () => {
  const latencies = new Latencies();
  latencies.record(-1);
  latencies.record(1e9);
  assert.equal(latencies.count, 2);
  assert.equal(latencies.percentileMs(100), 200_000);
  assert.equal(new Latencies().percentileMs(99), 0);
});
