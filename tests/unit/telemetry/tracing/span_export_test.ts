import assert from "node:assert/strict";
import { OtlpSink } from "../../../fixtures/otlp_sink.ts";
import type { Sent } from "../../../../lib/telemetry/tracing/otlp_client.ts";
import type { Span } from "../../../../lib/telemetry/tracing/span.ts";
import { varying, written } from "../../../../lib/telemetry/tracing/span_attributes.ts";
import {
  type DropReason,
  SpanExport,
  type SpanExportOptions,
} from "../../../../lib/telemetry/tracing/span_export.ts";

const NEVER = new AbortController().signal;

function span(name: string, more: Partial<Span> = {}): Span {
  return {
    name,
    kind: 2,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    parentId: undefined,
    tracestate: undefined,
    startMs: 1,
    endMs: 2.5,
    attributes: [written([["a", "b"]])],
    failure: undefined,
    ...more,
  };
}

function started(sink: OtlpSink, options: Partial<SpanExportOptions> = {}) {
  const dropped: Partial<Record<DropReason, number>> = {};
  const sent: Sent[] = [];
  const spans = new SpanExport({
    target: { url: `${sink.url}/v1/traces`, headers: { "x-key": "secret" }, timeoutMs: 30_000 },
    resource: { attributes: [["service.name", "s\u00e9"]], version: "1" },
    spansMax: 100,
    batchSpans: 10,
    batchMs: 3_600_000,
    onDropped: (count, reason) => dropped[reason] = (dropped[reason] ?? 0) + count,
    onSent: (one) => sent.push(one),
    ...options,
  });
  return { spans, dropped, sent };
}

Deno.test("SpanExport sends what a collector reads", async () => {
  await using sink = await OtlpSink.open();
  const { spans, sent } = started(sink);
  using _export = spans;
  const before = Date.now();
  const start = performance.now();
  spans.take(span("a", { startMs: start, endMs: start + 1.5, parentId: "1111111111111111" }));
  spans.take(span("b", {
    tracestate: 'x="y"',
    failure: 'it\'s "\ud800" \u00e9',
    attributes: [written([["text", "\u{1f600}\u00e9"]]), varying("count")(3)],
  }));
  await spans.flush(NEVER);
  const [a, b] = sink.spans;
  assert.equal(a.parentSpanId, "1111111111111111");
  assert.equal(BigInt(a.endTimeUnixNano) - BigInt(a.startTimeUnixNano) - 1_500_000n < 2000n, true);
  assert.ok(Math.abs(Number(BigInt(a.startTimeUnixNano) / 1_000_000n) - before) < 5_000);
  assert.equal(a.status, undefined);
  assert.equal(b.parentSpanId, undefined);
  assert.equal(b.traceState, 'x="y"');
  assert.deepEqual(b.facts, { text: "\u{1f600}\u00e9", count: "3" });
  assert.deepEqual(b.status, { code: 2, message: 'it\'s "\ufffd" \u00e9' });
  assert.deepEqual(b.resource, { "service.name": "s\u00e9" });
  assert.equal(sink.requests[0].path, "/v1/traces");
  assert.equal(sink.requests[0].headers["x-key"], "secret");
  assert.deepEqual(sent, [{ outcome: "taken", refusedItems: 0 }]);
});

Deno.test("SpanExport sends a batch as soon as it is full", async () => {
  await using sink = await OtlpSink.open();
  using spans = started(sink).spans;
  for (let i = 0; i < 25; i++) spans.take(span(`${i}`));
  await sink.until(() => sink.spans.length >= 20, "two batches");
  await spans.flush(NEVER);
  assert.deepEqual(sink.spans.map(({ name }) => Number(name)), [...Array(25).keys()]);
});

Deno.test("SpanExport keeps spans while the collector cannot take them, up to its limit, and drops the rest", async () => {
  await using sink = await OtlpSink.open();
  sink.status = 503;
  const { spans, dropped, sent } = started(sink);
  using _export = spans;
  for (let i = 0; i < 130; i++) spans.take(span(`${i}`));
  await sink.until(() => sink.requests.length > 0, "the first try");
  await spans.flush(NEVER);
  assert.equal(dropped.queue_full, 30);
  assert.equal(sent[0].outcome, "later");
  sink.status = 200;
  await spans.flush(NEVER);
  assert.deepEqual(sink.spans.map(({ name }) => Number(name)), [...Array(100).keys()]);
});

Deno.test("SpanExport drops and counts what the collector refuses", async () => {
  await using sink = await OtlpSink.open();
  sink.status = 400;
  const { spans, dropped } = started(sink);
  using _export = spans;
  for (let i = 0; i < 3; i++) spans.take(span(`${i}`));
  await spans.flush(NEVER);
  assert.deepEqual(dropped, { refused: 3 });
  sink.status = 200;
  sink.answer = '{"partialSuccess":{"rejectedSpans":"2"}}';
  for (let i = 0; i < 3; i++) spans.take(span(`${i}`));
  await spans.flush(NEVER);
  assert.deepEqual(dropped, { refused: 5 });
});

Deno.test("SpanExport gives up at the deadline of a flush when the collector is silent", async () => {
  await using sink = await OtlpSink.open();
  sink.isSilent = true;
  const { spans, dropped } = started(sink);
  for (let i = 0; i < 3; i++) spans.take(span(`${i}`));
  const deadline = new AbortController();
  const flushed = spans.flush(deadline.signal);
  await sink.until(() => sink.requests.length > 0, "the request");
  deadline.abort();
  await flushed;
  spans[Symbol.dispose]();
  spans.take(span("late"));
  assert.deepEqual(dropped, { ended: 4 });
});
