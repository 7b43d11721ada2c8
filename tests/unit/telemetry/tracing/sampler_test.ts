import assert from "node:assert/strict";
import { parseTraceparent } from "../../../../lib/telemetry/tracing/traceparent.ts";
import { Sampler } from "../../../../lib/telemetry/tracing/sampler.ts";
import { isInShare, newSpanId, newTraceId } from "../../../../lib/telemetry/tracing/trace_ids.ts";

const PARENT = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

Deno.test("newTraceId() and newSpanId() make ids that are valid and not the same", () => {
  const traces = new Set(Array.from({ length: 1000 }, newTraceId));
  const spans = new Set(Array.from({ length: 1000 }, newSpanId));
  assert.equal(traces.size, 1000);
  assert.equal(spans.size, 1000);
  const [trace] = traces, [span] = spans;
  assert.ok(parseTraceparent(`00-${trace}-${span}-01`));
});

Deno.test("Sampler takes its share of the calls of no trace", () => {
  const count = (share: number) => {
    const sampler = new Sampler({ share, isParentBased: true });
    return Array.from({ length: 10_000 }, () => sampler.spanFor(undefined))
      .filter((span) => span !== undefined).length;
  };
  assert.equal(count(0), 0);
  assert.equal(count(1), 10_000);
  const some = count(0.1);
  assert.ok(some > 700 && some < 1300, `${some} of 10000`); // ten standard deviations
});

Deno.test("Sampler does as its client has decided, whatever its share", () => {
  const none = new Sampler({ share: 0, isParentBased: true });
  const span = none.spanFor({ ...PARENT, flags: 3, tracestate: "a=b" });
  assert.equal(span?.traceId, PARENT.traceId);
  assert.notEqual(span?.spanId, PARENT.spanId);
  assert.equal(span?.flags, 3);
  assert.equal(span?.tracestate, "a=b");
  const all = new Sampler({ share: 1, isParentBased: true });
  assert.equal(all.spanFor({ ...PARENT, flags: 0 }), undefined);
});

Deno.test("Sampler decides by the trace id where clients are not to decide", () => {
  const sampler = new Sampler({ share: 0.5, isParentBased: false });
  const low = { ...PARENT, traceId: "f".repeat(18) + "0".repeat(14) };
  const high = { ...PARENT, traceId: "0".repeat(18) + "f".repeat(14) };
  assert.equal(sampler.spanFor({ ...low, flags: 1 }), undefined);
  assert.equal(sampler.spanFor({ ...high, flags: 0 })?.flags, 1);
  assert.equal(isInShare(low.traceId, 1), true);
  assert.equal(isInShare(high.traceId, 0), false);
});
