import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call, Handler } from "../../../lib/core/handler.ts";
import { Message } from "../../../lib/core/message.ts";
import { callLog } from "../../../lib/telemetry/log_calls.ts";
import { createLogger } from "../../../lib/telemetry/logger.ts";
import { FakeSink } from "./fake_sink.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c", SPAN = "b7ad6b7169203331";

function callOf(request: unknown): Call {
  const message = Message.from(new TextEncoder().encode(JSON.stringify(request)));
  return { message, session: { id: "abcdefghijklmnop" } } as unknown as Call;
}

const ASKED = {
  jsonrpc: "2.0",
  id: "x\u00e9",
  method: "tools/call",
  params: { name: "tool", _meta: { traceparent: `00-${TRACE}-${SPAN}-01` } },
};

Deno.test("callLog() ties the line of a call to its session, its request and its trace", async () => {
  const sink = new FakeSink();
  await using log = createLogger({ sink, format: "json", levels: { calls: "debug" } });
  const policy = callLog(log.child("calls"));
  const answer = (call: Call) => Promise.resolve(result(call.message.id!, {}));
  const refuse: Handler = () => Promise.reject(new GatewayError("RateLimited", "Cannot: too many"));
  const broken: Handler = () => {
    throw new TypeError("oops");
  };
  await policy(answer)(callOf(ASKED));
  await assert.rejects(policy(refuse)(callOf({ jsonrpc: "2.0", id: 7, method: "ping" })));
  assert.throws(() => policy(broken)(callOf({ jsonrpc: "2.0", id: 8, method: "ping" })));
  await policy(answer)(callOf(ASKED));
  await log.flush();
  const [first, second, third] = sink.lines;
  const { call, trace_id, span_id, method, name, outcome, module, level } = first;
  assert.deepEqual({ call, trace_id, span_id, method, name, outcome, module, level }, {
    ...{ call: "abcdef.x\u00e9", trace_id: TRACE, span_id: SPAN },
    ...{ method: "tools/call", name: "tool", outcome: "ok", module: "calls", level: "debug" },
  });
  assert.equal(typeof first.durationMs, "number");
  assert.equal(second.call, "abcdef.7");
  assert.equal(second.trace_id, undefined);
  assert.equal(second.outcome, "RateLimited");
  assert.equal(second.reason, "Cannot: too many");
  assert.equal(third.outcome, "defect");
});

Deno.test("callLog() hands calls through where nobody wants their lines, and all notifications", async () => {
  const sink = new FakeSink();
  await using log = createLogger({ sink, format: "json" });
  const done = Promise.resolve(undefined);
  const handled = callLog(log.child("calls"))(() => done);
  assert.equal(handled(callOf(ASKED)), done);
  log.setLevel("calls", "debug");
  assert.equal(handled(callOf({ jsonrpc: "2.0", method: "notifications/initialized" })), done);
  await log.flush();
  assert.equal(sink.text, "");
});
