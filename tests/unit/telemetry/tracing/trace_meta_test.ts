import assert from "node:assert/strict";
import fc from "fast-check";
import { Slot } from "../../../../lib/core/envelope.ts";
import { Message } from "../../../../lib/core/message.ts";
import { traceparentOf } from "../../../../lib/core/trace_context.ts";
import { withTraceMeta } from "../../../../lib/telemetry/tracing/trace_meta.ts";

const CONTEXT = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  flags: 1,
};
const VALUE = traceparentOf(CONTEXT);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function read(text: string): Message {
  const message = Message.from(encoder.encode(text));
  assert.equal(message.problem, undefined, text);
  return message;
}

/** Every part of a message that was spliced is where a new reading of the bytes finds it. */
function assertWhole(message: Message): void {
  const anew = Message.from(message.bytes);
  assert.equal(anew.problem, undefined, decoder.decode(message.bytes));
  assert.equal(message.idKey, anew.idKey);
  assert.equal(message.method, anew.method);
  for (const [name, slot] of Object.entries(Slot)) {
    if (slot < Slot.error) continue;
    assert.equal(message.startOf(slot), anew.startOf(slot), name);
    assert.equal(message.endOf(slot), anew.endOf(slot), name);
  }
}

const CASES: readonly (readonly [what: string, text: string])[] = [
  ["no params", '{"jsonrpc":"2.0","id":7,"method":"ping"}'],
  ["no params and space", '{"jsonrpc":"2.0","method":"ping","id":"a" }'],
  ["empty params", '{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}'],
  [
    "params without a name",
    '{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"x"}}',
  ],
  [
    "a name",
    '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{"b":1.0}}}',
  ],
  [
    "a name at the end",
    '{"method":"tools/call","params":{"arguments":{},"name":"a"},"id":7,"jsonrpc":"2.0"}',
  ],
  ["a uri", '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a://b" } }'],
  ["empty _meta", '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{ }}}'],
  [
    "a progress token",
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1},"name":"a"}}',
  ],
  ["escapes in keys", '{"jsonrpc":"2.0","id":1,"method":"ping","p\\u0061rams":{"x":1}}'],
  [
    "another trace",
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"tracestate":"a=b","traceparent":"00-${
      "1".repeat(32)
    }-${"2".repeat(16)}-00"}}}`,
  ],
  [
    "the same trace",
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"traceparent":"00-${CONTEXT.traceId}-${
      "2".repeat(16)
    }-00","tracestate":"a=b"}}}`,
  ],
  [
    "junk for a trace",
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"traceparent":{"a":[1]}}}}',
  ],
  [
    "a notification",
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}',
  ],
];

for (const [what, text] of CASES) {
  Deno.test(`withTraceMeta() gives a message with ${what} its traceparent and keeps the rest`, () => {
    const before = read(text);
    const message = withTraceMeta(before, CONTEXT);
    assertWhole(message);
    const { _meta, ...params } = message.json().params;
    const { _meta: metaBefore = {}, ...paramsBefore } = before.json().params ?? {};
    assert.deepEqual(params, paramsBefore);
    const { traceparent, ...meta } = _meta;
    assert.equal(traceparent, VALUE);
    delete metaBefore.traceparent;
    if (what === "another trace") delete metaBefore.tracestate;
    assert.deepEqual(meta, metaBefore);
  });
}

Deno.test("withTraceMeta() leaves messages alone whose _meta is no object", () => {
  for (
    const text of [
      '{"jsonrpc":"2.0","id":7,"method":"x","params":{"_meta":null}}',
      '{"jsonrpc":"2.0","id":7,"method":"x","params":{"name":"a","_meta":[1]}}',
    ]
  ) {
    const message = read(text);
    const traced = withTraceMeta(message, CONTEXT);
    assert.equal(traced.bytes, message.bytes, text);
    assert.equal(traced.context?.trace, CONTEXT);
  }
});

Deno.test("withTraceMeta() adds tracestate and baggage, and replaces what stood there", () => {
  const more = { ...CONTEXT, tracestate: 'a="b"', baggage: "c=d" };
  for (const [what, text] of CASES) {
    const message = withTraceMeta(read(text), more);
    assertWhole(message);
    if (what === "the same trace") continue; // its own fields stand beside it
    const { traceparent, tracestate, baggage } = message.json().params._meta;
    assert.deepEqual({ traceparent, tracestate, baggage }, {
      traceparent: VALUE,
      tracestate: 'a="b"',
      baggage: "c=d",
    });
  }
});

Deno.test("withTraceMeta() keeps every other byte's meaning for any params, and what travels beside them", () => {
  const params = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(fc.property(params, fc.boolean(), (some, hasName) => {
    for (const key of Object.keys(some)) {
      if (/^(_meta|name|uri|arguments|progresstoken|requestid)$/iu.test(key)) delete some[key];
    }
    const all = hasName ? { name: "tool", ...some } : some;
    const text = JSON.stringify({ jsonrpc: "2.0", id: "x", method: "tools/call", params: all });
    const before = Message.from(encoder.encode(text));
    if (before.problem !== undefined) return;
    const context = { headers: { a: "b" } };
    const message = withTraceMeta(before.withContext(context), CONTEXT);
    assertWhole(message);
    assert.deepEqual(message.context, { ...context, trace: CONTEXT });
    const { _meta, ...rest } = message.json().params;
    assert.deepEqual(_meta, { traceparent: VALUE });
    const { _meta: _none, ...restBefore } = before.json().params;
    assert.deepEqual(rest, restBefore);
  }));
});
