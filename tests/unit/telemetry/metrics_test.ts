import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../../lib/core/errors.ts";
import { LABEL_VALUE_CHARS_MAX } from "../../../lib/telemetry/metric_family.ts";
import { type Metric, Registry } from "../../../lib/telemetry/metrics.ts";

function total(metrics: readonly Metric[], name: string): number {
  const metric = metrics.find((metric) => metric.name === name);
  assert(metric?.kind === "counter");
  return metric.children().reduce((sum, child) => sum + child.value, 0);
}

Deno.test("with() returns the same child when the label values are the same", () => {
  const counter = new Registry().counter({ name: "a_total", help: "a", labels: ["x", "y"] });
  const child = counter.with({ x: "1", y: "2" });
  assert.equal(counter.with({ y: "2", x: "1" }), child);
  assert.notEqual(counter.with({ x: "2", y: "1" }), child);
  assert.deepEqual(child.labelValues, ["1", "2"]);
});

Deno.test("with() keeps label values apart whatever characters they hold", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.tuple(fc.string(), fc.string()), {
      selector: ([x, y]) => JSON.stringify([x.toWellFormed(), y.toWellFormed()]),
    }),
    (pairs) => {
      const counter = new Registry().counter({ name: "a_total", help: "a", labels: ["x", "y"] });
      for (const [x, y] of pairs) counter.with({ x, y }).inc();
      assert.equal(counter.children().length, pairs.length);
      assert(counter.children().every((child) => child.value === 1));
    },
  ));
});

Deno.test("with() sends every new combination to other when the metric is full", () => {
  const registry = new Registry();
  const counter = registry.counter({
    name: "a_total",
    help: "a",
    labels: ["x", "y"],
    combinationsMax: 3,
  });
  for (let i = 0; i < 10; i++) counter.with({ x: `${i}`, y: "y" }).inc();
  counter.with({ x: "0", y: "y" }).inc();
  assert.deepEqual(
    counter.children().map((child) => [...child.labelValues, child.value]),
    [["0", "y", 2], ["1", "y", 1], ["2", "y", 1], ["other", "other", 7]],
  );
  assert.equal(total(registry.collect(), "sluice_metric_overflows_total"), 7);
});

Deno.test("with() uses one child for other when callers use that value too", () => {
  const counter = new Registry().counter({
    name: "a_total",
    help: "a",
    labels: ["x"],
    combinationsMax: 2,
  });
  counter.with({ x: "other" }).inc();
  for (const x of ["1", "2", "3"]) counter.with({ x }).inc();
  assert.deepEqual(counter.children().map((child) => [child.labelValues[0], child.value]), [
    ["other", 3],
    ["1", 1],
  ]);
});

Deno.test("with() cuts long label values and repairs lone surrogates", () => {
  const gauge = new Registry().gauge({ name: "a", help: "a", labels: ["x"] });
  const long = gauge.with({ x: "x".repeat(1000) });
  assert.equal(long.labelValues[0].length, LABEL_VALUE_CHARS_MAX);
  assert.equal(gauge.with({ x: "x".repeat(2000) }), long);
  assert.equal(gauge.with({ x: "\ud800" }), gauge.with({ x: "\ud801" }));
});

Deno.test("clear() forgets children so that a collect callback lists what exists now", () => {
  const registry = new Registry();
  let names = ["a", "b"];
  const gauge = registry.gauge({
    name: "up",
    help: "up",
    labels: ["upstream"],
    collect: (self) => {
      self.clear();
      for (const upstream of names) self.with({ upstream }).set(1);
    },
  });
  registry.collect();
  names = ["b", "c"];
  registry.collect();
  assert.deepEqual(gauge.children().map((child) => child.labelValues[0]), ["b", "c"]);
});

Deno.test("inc() ignores what would lower or spoil a counter", () => {
  const child = new Registry().counter({ name: "a_total", help: "a" }).with({});
  child.inc();
  child.inc(2.5);
  child.inc(-1);
  child.inc(NaN);
  assert.equal(child.value, 3.5);
});

Deno.test("raiseTo() never lowers a counter", () => {
  const child = new Registry().counter({ name: "a_total", help: "a" }).with({});
  child.raiseTo(5);
  child.raiseTo(3);
  assert.equal(child.value, 5);
});

Deno.test("set(), inc() and dec() move a gauge", () => {
  const child = new Registry().gauge({ name: "a", help: "a" }).with({});
  child.set(10);
  child.inc();
  child.inc(2);
  child.dec(5);
  child.dec();
  assert.equal(child.value, 7);
});

Deno.test("observe() puts a value into the first bucket that holds it", () => {
  const child = new Registry().histogram({ name: "a", help: "a", buckets: [1, 2, 5] }).with({});
  for (const value of [0, 1, 1.5, 2, 2.1, 5, 5.1, Infinity, NaN]) child.observe(value);
  assert.deepEqual([...child.counts], [2, 2, 2, 2]);
});

Deno.test("observe() counts every value once and agrees with a plain search", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 0 }),
    fc.array(fc.double({ noNaN: true })),
    (bounds, values) => {
      const buckets = [...new Set(bounds.map((bound) => bound + 0))].sort((a, b) => a - b);
      const child = new Registry().histogram({ name: "a", help: "a", buckets }).with({});
      const expected = new Array(buckets.length + 1).fill(0);
      for (const value of values) {
        child.observe(value);
        const found = buckets.findIndex((bound) => value <= bound);
        expected[found === -1 ? buckets.length : found]++;
      }
      assert.deepEqual([...child.counts], expected);
    },
  ));
});

Deno.test("counter() returns the same metric when declared twice with one shape", () => {
  const registry = new Registry();
  const first = registry.counter({ name: "a_total", help: "a", labels: ["x"] });
  assert.equal(registry.counter({ name: "a_total", help: "a", labels: ["x"] }), first);
  const histogram = registry.histogram({ name: "h", help: "h", buckets: [1] });
  assert.equal(registry.histogram({ name: "h", help: "h", buckets: [1] }), histogram);
});

Deno.test("Registry refuses declarations that contradict others or the format", () => {
  const registry = new Registry();
  registry.gauge({ name: "a", help: "a", labels: ["x"] });
  registry.histogram({ name: "h", help: "h", buckets: [1] });
  registry.gauge({ name: "g_sum", help: "g" });
  const refused: [RegExp, () => unknown][] = [
    [/Cannot register a: it exists as gauge/, () => registry.gauge({ name: "a", help: "a" })],
    [/Cannot register a: /, () => registry.histogram({ name: "a", help: "a", labels: ["x"] })],
    [/with buckets 1, not/, () => registry.histogram({ name: "h", help: "h", buckets: [2] })],
    [/h already shows h_sum/, () => registry.gauge({ name: "h_sum", help: "h" })],
    [/g_sum already shows g_sum/, () => registry.histogram({ name: "g", help: "g" })],
    [/ends in _total/, () => registry.counter({ name: "a", help: "a" })],
    [/not a metric name/, () => registry.gauge({ name: "1a", help: "a" })],
    [/cannot be a label/, () => registry.gauge({ name: "b", help: "b", labels: ["x-y"] })],
    [/cannot be a label/, () => registry.gauge({ name: "b", help: "b", labels: ["__x"] })],
    [/cannot be a label/, () => registry.histogram({ name: "b", help: "b", labels: ["le"] })],
    [/occurs twice/, () => registry.gauge({ name: "b", help: "b", labels: ["x", "x"] })],
    [/ascending/, () => registry.histogram({ name: "b", help: "b", buckets: [2, 1] })],
    [/ascending/, () => registry.histogram({ name: "b", help: "b", buckets: [1, Infinity] })],
  ];
  for (const [message, declare] of refused) {
    assert.throws(declare, (error) => error instanceof SluiceError && message.test(error.message));
  }
});

Deno.test("collect() counts a callback that throws and keeps the other metrics", () => {
  const registry = new Registry();
  registry.gauge({
    name: "bad",
    help: "bad",
    collect: () => {
      throw new Error("no");
    },
  });
  registry.gauge({ name: "good", help: "good", collect: (gauge) => gauge.with({}).set(7) });
  const metrics = registry.collect();
  const good = metrics.find((metric) => metric.name === "good");
  assert(good?.kind === "gauge");
  assert.equal(good.with({}).value, 7);
  assert.equal(total(metrics, "sluice_metric_collect_failures_total"), 1);
});
