import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import type { Call } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import { CallSafety } from "../../../lib/policy/call_safety.ts";
import { hedgeSafe } from "../../../lib/policy/hedge.ts";
import { callOf, toolCall } from "./calls.ts";

const HEDGE_MS = 100;

/** A handler whose calls are answered by hand, under a clock that stands still. */
function scene() {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  const calls: (PromiseWithResolvers<Message | undefined> & { call: Call })[] = [];
  const cancelled: string[] = [];
  const handle = hedgeSafe({ safety: new CallSafety(), hedgeMs: HEDGE_MS })((call) => {
    if (call.message.kind === "notification") {
      cancelled.push(String(call.message.json().params.requestId));
      return Promise.resolve(undefined);
    }
    const open = { ...Promise.withResolvers<Message | undefined>(), call };
    calls.push(open);
    return open.promise;
  });
  const answer = (n: number, value: unknown) =>
    calls[n].resolve(result(calls[n].call.message.id!, value));
  return { clock, calls, cancelled, handle, answer, [Symbol.dispose]: () => clock.uninstall() };
}

Deno.test("hedgeSafe() asks once when the answer comes in time", async () => {
  using it = scene();
  const answer = it.handle(callOf("tools/list"));
  it.clock.tick(HEDGE_MS - 1);
  it.answer(0, "first");
  assert.equal((await answer)!.json().result, "first");
  it.clock.tick(HEDGE_MS);
  assert.equal(it.calls.length, 1);
  assert.equal(it.clock.countTimers(), 0);
});

Deno.test("hedgeSafe() takes the first of two answers under the client's id, and cancels the other", async () => {
  for (const winner of [0, 1]) {
    using it = scene();
    const answer = it.handle(callOf("tools/list"));
    it.clock.tick(HEDGE_MS);
    assert.equal(it.calls.length, 2);
    const ids = it.calls.map(({ call }) => String(call.message.json().id));
    assert.notEqual(ids[0], ids[1]);
    it.answer(winner, "won");
    const { id, result } = (await answer)!.json();
    assert.deepEqual([id, result], [1, "won"]);
    assert.deepEqual(it.cancelled, [ids[1 - winner]]);
  }
});

Deno.test("hedgeSafe() waits for the second when the first fails, and fails when both do", async () => {
  using it = scene();
  const answer = it.handle(callOf("tools/list"));
  it.clock.tick(HEDGE_MS);
  it.calls[0].reject(new Error("lost"));
  it.answer(1, "won");
  assert.equal((await answer)!.json().result, "won");
  const lost = it.handle(callOf("tools/list"));
  it.clock.tick(HEDGE_MS);
  it.calls[2].reject(new Error("lost"));
  it.calls[3].reject(new Error("lost too"));
  await assert.rejects(lost, /lost too/);
});

Deno.test("hedgeSafe() lets the client hear only of the first", async () => {
  using it = scene();
  const call = callOf("tools/list");
  const answer = it.handle(call);
  it.clock.tick(HEDGE_MS);
  for (const { call: copy } of it.calls) await copy.notify(copy.message);
  assert.equal(call.heard.length, 1);
  await assert.rejects(it.calls[1].call.ask(call.message));
  it.answer(0, "done");
  await answer;
});

Deno.test("hedgeSafe() cancels both when the client has gone", async () => {
  using it = scene();
  const client = new AbortController();
  const call = callOf("tools/list", undefined, { signal: client.signal });
  const answer = it.handle(call);
  it.clock.tick(HEDGE_MS);
  client.abort();
  assert.equal(it.cancelled.length, 2);
  for (const { call: copy } of it.calls) assert.equal(copy.signal.aborted, true);
  it.calls.forEach(({ reject }) => reject(new Error("cancelled")));
  await assert.rejects(answer);
});

Deno.test("hedgeSafe() never sends a call twice that may have an effect", () => {
  using it = scene();
  void it.handle(toolCall("write"));
  it.clock.tick(10 * HEDGE_MS);
  assert.equal(it.calls.length, 1);
});
