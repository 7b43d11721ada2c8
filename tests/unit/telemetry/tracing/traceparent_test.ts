import assert from "node:assert/strict";
import fc from "fast-check";
import { Message } from "../../../../lib/core/message.ts";
import { traceparentOf } from "../../../../lib/core/trace_context.ts";
import {
  companionsOfMeta,
  parseTraceparent,
  traceOfHeaders,
  traceOfMeta,
} from "../../../../lib/telemetry/tracing/traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c", SPAN = "b7ad6b7169203331";
const VALUE = `00-${TRACE}-${SPAN}-01`;

function asked(meta: unknown): Message {
  const request = { jsonrpc: "2.0", id: 1, method: "ping", params: { _meta: meta } };
  return Message.from(new TextEncoder().encode(JSON.stringify(request)));
}

function request(headers: Record<string, string>) {
  return { transport: "http", address: "", header: (name: string) => headers[name] };
}

Deno.test("parseTraceparent() reads what the recommendation allows", () => {
  const context = { traceId: TRACE, spanId: SPAN };
  assert.deepEqual(parseTraceparent(VALUE), { ...context, flags: 1 });
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-00`), { ...context, flags: 0 });
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-ff`), { ...context, flags: 3 });
  assert.deepEqual(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes`), { ...context, flags: 1 });
});

Deno.test("parseTraceparent() ignores everything else", () => {
  for (
    const text of [
      "",
      "00",
      VALUE.toUpperCase(),
      `ff-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      `00-${TRACE}-${SPAN}-1`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `${VALUE}, ${VALUE}`,
      `${VALUE}\n`,
      ` ${VALUE}`,
      VALUE.replaceAll("-", "_"),
      `cc-${TRACE}-${SPAN}-01-${"x".repeat(10_000)}`,
    ]
  ) assert.equal(parseTraceparent(text), undefined, text);
});

Deno.test("traceOfMeta() ignores whatever a client puts there that is no context", () => {
  assert.equal(traceOfMeta(asked({ traceparent: VALUE }))?.spanId, SPAN);
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.equal(traceOfMeta(asked({ traceparent: value })), undefined);
  }));
  assert.equal(traceOfMeta(asked(null)), undefined);
});

Deno.test("traceOfHeaders() takes what stands beside only when it is printable and not too long", () => {
  const read = (more: Record<string, string>) =>
    traceOfHeaders(request({ traceparent: VALUE, ...more }));
  assert.deepEqual(read({ tracestate: "a=b", baggage: "c=d" }), {
    ...{ traceId: TRACE, spanId: SPAN, flags: 1 },
    ...{ tracestate: "a=b", baggage: "c=d" },
  });
  assert.equal(read({ tracestate: "x".repeat(513) })?.tracestate, undefined);
  assert.equal(read({ tracestate: "a=\u00e9" })?.tracestate, undefined);
  assert.equal(read({ baggage: "x".repeat(8193) })?.baggage, undefined);
  assert.equal(traceOfHeaders(request({ tracestate: "a=b" })), undefined);
});

Deno.test("companionsOfMeta() reads texts and nothing else", () => {
  const meta = { traceparent: VALUE, tracestate: "a=b", baggage: ["c"] };
  assert.deepEqual(companionsOfMeta(asked(meta)), { tracestate: "a=b" });
});

Deno.test("traceparentOf() writes what parseTraceparent() reads", () => {
  assert.equal(traceparentOf(parseTraceparent(VALUE)!), VALUE);
});
