import assert from "node:assert/strict";
import { compare } from "../../../lib/bench/compare.ts";
import { page } from "../../../lib/bench/page.ts";
import { figures } from "../../fixtures/bench_scene.ts";
import { resultOf } from "../../fixtures/bench_result.ts";

const direct = [figures({ ratePerSecond: 200 })];
const result = resultOf([figures()], direct);
const worse = resultOf([figures({ ratePerSecond: 50 })], direct);

Deno.test("page() asks nothing of any other place", () => {
  const comparisons = compare(result, worse, 0.1);
  const text = page(worse, { file: "base.json", threshold: 0.1, comparisons });
  assert.doesNotMatch(text, /\b(src|href|srcset|action)=|url\(|@import|<script|<link|<iframe/i);
  assert.doesNotMatch(text, /https?:\/\//);
  assert.match(text, /prefers-color-scheme: dark/);
});

Deno.test("page() shows histogram, time line, direct run and comparison", () => {
  const comparisons = compare(result, worse, 0.1);
  const text = page(worse, { file: "base.json", threshold: 0.1, comparisons });
  assert.equal(text.match(/<svg /g)?.length, 4);
  assert.match(text, /Worse: rate, through \/ direct/);
  assert.match(text, /against tcp:\/\/127\.0\.0\.1:9001 directly/);
});

Deno.test("page() lets nothing foreign become markup", () => {
  const { setup } = result;
  const text = page({ ...result, setup: { ...setup, target: "<img src=x onerror=y>" } });
  assert.doesNotMatch(text, /<img/);
  assert.match(text, /&lt;img/);
});

Deno.test("page() does without time line and calls", () => {
  const text = page(resultOf([figures({ timeline: [], histogram: [], answered: 0 })]));
  assert.doesNotMatch(text, /NaN|Infinity|undefined/);
});

Deno.test("page() draws no impossible numbers", () => {
  const flat = figures({
    timeline: [1, 2].map((at) => ({ at, ratePerSecond: 0, errors: 1, p50: 0, p99: 0 })),
  });
  assert.doesNotMatch(page(resultOf([flat, flat], [flat, flat])), /NaN|Infinity|undefined/);
});
