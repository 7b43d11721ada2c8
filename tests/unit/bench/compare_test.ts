import assert from "node:assert/strict";
import { compare, difference, parseResult } from "../../../lib/bench/compare.ts";
import { type BenchResult, summarised, summaryOf } from "../../../lib/bench/result.ts";
import type { Figures } from "../../../lib/bench/figures.ts";
import { figures } from "../../fixtures/bench_scene.ts";
import { resultOf } from "../../fixtures/bench_result.ts";

const rates = (...rates: number[]) => rates.map((ratePerSecond) => figures({ ratePerSecond }));
const withRuns = (runs: Figures[], directRuns?: Figures[]): BenchResult => ({
  ...resultOf(runs),
  ...directRuns === undefined ? {} : { directRuns },
  summary: summaryOf(runs, directRuns),
});
const verdictOf = (before: Figures[], after: Figures[], metric = "rate_per_s") =>
  compare(withRuns(before), withRuns(after), 0.1).find(({ name }) => name === metric)?.verdict;

Deno.test("compare() finds a regression beyond threshold and noise", () => {
  assert.equal(verdictOf(rates(100, 101, 99), rates(80, 81, 79)), "regression");
});

Deno.test("compare() takes what the repeats spread over for noise", () => {
  assert.equal(verdictOf(rates(100, 130, 70), rates(85, 110, 60)), "within noise");
});

Deno.test("compare() lets a small change pass, and a better figure", () => {
  assert.equal(verdictOf(rates(100, 100, 100), rates(95, 95, 95)), "within threshold");
  assert.equal(verdictOf(rates(100), rates(200)), "better");
});

Deno.test("compare() has no noise to hide behind with one run each", () => {
  assert.equal(verdictOf(rates(100), rates(80)), "regression");
});

Deno.test("compare() knows that lower latency is better", () => {
  const slow = (factor: number) => {
    const { latencyMs } = figures();
    return [figures({ latencyMs: { ...latencyMs, p50: latencyMs.p50 * factor } })];
  };
  assert.equal(verdictOf(slow(1), slow(2), "latency_p50_ms"), "regression");
  assert.equal(verdictOf(slow(2), slow(1), "latency_p50_ms"), "better");
});

Deno.test("compare() compares ratios only where both were measured against a direct run", () => {
  const direct = rates(200, 200, 200);
  const names = compare(withRuns(rates(100), direct), withRuns(rates(50), direct), 0.1);
  assert.deepEqual(names.map(({ name }) => name), [
    "rate_ratio",
    "latency_p50_ratio",
    "latency_p99_ratio",
  ]);
  assert.equal(names[0].verdict, "regression");
});

Deno.test("compare() sets the processor time of a call against the direct run's", () => {
  const taking = (cpuPerCallUs: number) => {
    const server = { cpuPerCallUs, pids: [1] } as unknown as Figures["server"];
    return [figures({ server })];
  };
  const [before, after] = [withRuns(taking(12), taking(10)), withRuns(taking(18), taking(10))];
  const row = compare(before, after, 0.1).find(({ name }) => name === "cpu_ratio");
  assert.equal(row?.verdict, "regression");
  assert.deepEqual([row?.before.median, row?.after.median], [1.2, 1.8]);
});

Deno.test("compare() refuses results of another setup", () => {
  const other = resultOf(rates(100));
  const changed = { ...other, setup: { ...other.setup, connections: 99 } };
  assert.throws(() => compare(other, changed, 0.1), /connections was 10 and is 99/);
});

Deno.test("difference() ignores what is smaller than the figures can tell", () => {
  const one = summarised([0.001]), two = summarised([0.004]);
  assert.deepEqual(difference(one, two, false, 0.005), { worseBy: 0, noise: 0 });
});

Deno.test("parseResult() refuses what is no result", () => {
  assert.throws(() => parseResult("{", "x.json"), /x\.json: it is not JSON/);
  assert.throws(() => parseResult("{}", "x.json"), /no result of a bench/);
  assert.throws(() => parseResult('{"schemaVersion":2,"summary":{}}', "x.json"), /version is 2/);
  const result = resultOf(rates(1));
  assert.deepEqual(parseResult(JSON.stringify(result), "x.json"), result);
});
