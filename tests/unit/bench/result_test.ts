import assert from "node:assert/strict";
import { isFailed, summarised } from "../../../lib/bench/result.ts";
import { figures } from "../../fixtures/bench_scene.ts";
import { resultOf } from "../../fixtures/bench_result.ts";

/** Every field with the type of its value; one run and one point stand for all. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shapeOf(one)]));
}

Deno.test("BenchResult has the documented shape", () => {
  const summary = { median: "number", min: "number", max: "number", samples: ["number"] };
  const percentiles = Object.fromEntries(
    ["count", "p50", "p90", "p95", "p99", "p999", "max", "mean"].map((key) => [key, "number"]),
  );
  const { runs, summary: summaries, ...rest } = shapeOf(resultOf([figures()])) as Record<
    string,
    never
  >;
  assert.deepEqual(rest, {
    ...{ schemaVersion: "number", tool: "string", startedAt: "string" },
    machine: { os: "string", arch: "string", cores: "number", runtime: "string" },
    setup: {
      ...{ target: "string", scenario: "string", era: "string", connections: "number" },
      ...{ inflight: "number", durationMs: "number", warmUpMs: "number", workers: "number" },
      repeat: "number",
    },
  });
  assert.deepEqual(summaries, {
    ...{ rate_per_s: summary, latency_p50_ms: summary, latency_p90_ms: summary },
    ...{ latency_p99_ms: summary, latency_p999_ms: summary, connect_p50_ms: summary },
    error_share: summary,
  });
  assert.deepEqual(runs, [{
    ...{ seconds: "number", answered: "number", ratePerSecond: "number" },
    ...{ latencyMs: percentiles, connectMs: percentiles, reconnectMs: percentiles },
    ...{ connections: "number", errors: { "error -31005": "number" }, errorShare: "number" },
    integrity: {
      ...{ crossed: "number", lost: "number", repeated: "number", late: "number" },
      checkedBy: "string",
    },
    ...{ bytesSent: "number", bytesReceived: "number", batchMean: "number" },
    ...{ notifications: "number", slowAnswered: "number", server: { absent: "string" } },
    generator: {
      ...{ workers: "number", cpuShareMax: "number", lagP99Ms: "number", isBottleneck: "boolean" },
    },
    timeline: [
      { at: "number", ratePerSecond: "number", errors: "number", p50: "number", p99: "number" },
    ],
    histogram: [["number"]],
  }]);
});

Deno.test("isFailed() says so when answers went astray or none came", () => {
  const { integrity } = figures();
  assert.equal(isFailed(resultOf([figures()])), false);
  for (const kind of ["crossed", "lost", "repeated"]) {
    const run = figures({ integrity: { ...integrity, [kind]: 1 } });
    assert.equal(isFailed(resultOf([figures(), run])), true, kind);
  }
  assert.equal(isFailed(resultOf([figures({ answered: 0 })])), true);
});

Deno.test("summarised() takes the median and the range", () => {
  assert.deepEqual(summarised([3, 1, 2]), { median: 2, min: 1, max: 3, samples: [3, 1, 2] });
  assert.equal(summarised([1, 2, 3, 10]).median, 2.5);
});
