import assert from "node:assert/strict";
import { createLogger } from "../../../lib/telemetry/logger.ts";
import { FakeSink } from "./fake_sink.ts";

Deno.test("createLogger() lets modules have levels of their own, which can change while it logs", async () => {
  const sink = new FakeSink();
  const log = createLogger({
    sink,
    format: "json",
    threshold: "warn",
    levels: { upstream: "debug" },
  });
  const upstream = log.child("upstream"), pool = log.child("pool"), inner = pool.child("upstream");
  const all = () => {
    for (const one of [log, upstream, pool, inner]) one.debug("d");
  };
  all();
  log.setLevel("pool", "trace");
  assert.equal(pool.enabled("trace"), true);
  all();
  log.setLevel("upstream", "silent");
  log.setLevel("pool", undefined);
  all();
  assert.equal(upstream.enabled("fatal"), false);
  log.setLevel("*", "debug");
  all();
  assert.deepEqual(log.levels(), { "*": "debug", pool: "debug", upstream: "silent" });
  log.setLevels({ pool: "error" });
  log.setThreshold("info");
  assert.deepEqual(log.levels(), { "*": "info", pool: "error", upstream: "info" });
  await log.flush();
  assert.deepEqual(sink.lines.map(({ module }) => module), [
    ...["upstream", "upstream"],
    ...["upstream", "pool", "upstream"],
    ...[undefined, "pool"],
  ]);
  await log[Symbol.asyncDispose]();
});

Deno.test("setLevel() refuses what is no level and no module, and more modules than it has room for", async () => {
  await using log = createLogger({ sink: new FakeSink(), format: "json" });
  assert.throws(() => log.setLevel("pool", "loud" as "info"), /"loud" is none of trace, /);
  assert.throws(() => log.setLevel("pool", "__proto__" as "info"), /is none of/);
  assert.throws(() => log.setLevel("a b", "info"), /"a b" is no module/);
  for (let i = 0; i < 256; i++) log.setLevel(`m${i}`, "warn");
  assert.throws(() => log.setLevel("other", "info"), /256 modules have one already/);
  log.setLevel("m7", "info");
  assert.equal(log.child("anything").enabled("info"), true);
});
