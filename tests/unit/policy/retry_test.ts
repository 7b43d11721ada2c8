import assert from "node:assert/strict";
import { failure, request, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Message } from "../../../lib/core/message.ts";
import { CallSafety } from "../../../lib/policy/call_safety.ts";
import { retrySafe } from "../../../lib/policy/retry.ts";
import { callOf, toolCall } from "./calls.ts";

const ID = new TextEncoder().encode("1");
const OK = result(ID, {});
const lost = (outcome = "unknown") =>
  new GatewayError("UpstreamUnavailable", "Cannot reach it", { data: { outcome } });

/** A handler that ends its calls as the list says, one after the other. */
function scene(...ends: (Message | GatewayError)[]) {
  const safety = new CallSafety();
  const tools = [{ name: "read", annotations: { readOnlyHint: true } }, { name: "write" }];
  safety.learn(request(1, "tools/list"), result(ID, { tools }));
  const retried: string[] = [];
  let calls = 0;
  const handle = retrySafe({ safety, onRetry: (method) => retried.push(method) })(() => {
    const end = ends[calls++];
    return end instanceof GatewayError ? Promise.reject(end) : Promise.resolve(end);
  });
  return { handle, retried, calls: () => calls };
}

Deno.test("retrySafe() sends a call that reads once more when it was lost", async () => {
  for (const call of [callOf("tools/list"), toolCall("read")]) {
    for (const end of [lost(), failure(ID, lost())]) {
      const it = scene(end, OK);
      assert.equal(await it.handle(call), OK);
      assert.equal(it.calls(), 2);
      assert.deepEqual(it.retried, [call.message.method]);
    }
  }
});

Deno.test("retrySafe() tries a call that was not sent again where there are other endpoints", async () => {
  const safety = new CallSafety();
  const ends = [() => Promise.reject(lost("not_sent")), () => Promise.resolve(OK)];
  const handle = retrySafe({ safety, hasOthers: true })(() => ends.shift()!());
  assert.equal(await handle(callOf("tools/list")), OK);
});

Deno.test("retrySafe() sends nothing twice that may have had an effect", async () => {
  const it = scene(lost(), OK);
  await assert.rejects(it.handle(toolCall("write")), { failure: "UpstreamUnavailable" });
  const other = scene(failure(ID, lost()), OK);
  assert.equal((await other.handle(toolCall("write")))!.isError, true);
  assert.deepEqual([it.calls(), other.calls()], [1, 1]);
});

Deno.test("retrySafe() leaves every other failure as it is", async () => {
  const failures = [
    lost("not_sent"),
    new GatewayError("UpstreamTimeout", "late"),
    new GatewayError("UpstreamProtocolError", "junk"),
    new GatewayError("NoHealthyUpstream", "open"),
  ];
  for (const end of failures) {
    const it = scene(end, OK);
    await assert.rejects(it.handle(toolCall("read")), end);
    assert.equal(it.calls(), 1);
  }
});

Deno.test("retrySafe() tries twice, and tells the third loss", async () => {
  const third = lost();
  const it = scene(lost(), failure(ID, lost()), third, OK);
  await assert.rejects(it.handle(toolCall("read")), third);
  assert.equal(it.calls(), 3);
  assert.equal(it.retried.length, 2);
});

Deno.test("retrySafe() does not retry what the client has cancelled", async () => {
  const it = scene(lost(), OK);
  await assert.rejects(it.handle(toolCall("read", AbortSignal.abort())));
  assert.equal(it.calls(), 1);
});
