import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call, Session } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import { limitConcurrency } from "../../../lib/policy/concurrency_limit.ts";
import { callOf } from "./calls.ts";

const session = (id: string) => ({ id, isSessionless: false }) as Session;

/** A limit in front of a server that answers when it is told to. */
function scene(options: { max: number; queue: number; queueMs?: number }) {
  const clock = FakeTimers.install({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  const running: { call: Call; answer: () => void }[] = [];
  const order: number[] = [];
  const states: string[] = [];
  const handler = limitConcurrency({
    upstream: "u",
    queueMs: 1000,
    ...options,
    onChange: (now, waiting) => states.push(`${now} ${waiting}`),
  })((call) => {
    const { promise, resolve } = Promise.withResolvers<Message | undefined>();
    const { id } = call.message.json();
    order.push(id);
    running.push({ call, answer: () => resolve(result(call.message.id!, {})) });
    return promise;
  });
  const ask = (id: number, who = session("s"), signal?: AbortSignal) => {
    const answer = handler({ ...callOf("tools/call", {}, { id, signal }), session: who });
    answer.catch(() => {}); // looked at later, or not at all
    return answer;
  };
  return {
    ...{ clock, running, order, states, handler, ask },
    settle: () => clock.tickAsync(0),
    async finish() {
      while (running.length > 0) {
        running.shift()!.answer();
        await clock.tickAsync(0);
      }
    },
    [Symbol.dispose]: () => clock.uninstall(),
  };
}

function overloaded(why: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof GatewayError);
    assert.deepEqual([error.code, error.status], [-31005, 503]);
    assert.match(error.headers["retry-after"], /^[1-9]\d*$/);
    assert.match(error.message, why);
    return true;
  };
}

Deno.test("limitConcurrency() has at most so many calls at the server, the others in their order", async () => {
  using it = scene({ max: 2, queue: 10 });
  const answers = [1, 2, 3, 4, 5].map((id) => it.ask(id));
  await it.settle();
  assert.deepEqual(it.order, [1, 2]);
  assert.equal(it.states.at(-1), "2 3");
  await it.finish();
  assert.deepEqual(it.order, [1, 2, 3, 4, 5]);
  assert.equal((await Promise.all(answers)).length, 5);
  assert.equal(it.states.at(-1), "0 0");
});

Deno.test("limitConcurrency() serves sessions in turn: one that asks much waits for itself", async () => {
  using it = scene({ max: 1, queue: 100 });
  const greedy = session("greedy"), other = session("other"), third = session("third");
  for (let id = 1; id <= 5; id++) it.ask(id, greedy);
  it.ask(10, other);
  it.ask(11, other);
  it.ask(20, third);
  await it.finish();
  assert.deepEqual(it.order, [1, 2, 10, 20, 3, 11, 4, 5]);
});

Deno.test("limitConcurrency() tells clients without a session apart by their address", async () => {
  using it = scene({ max: 1, queue: 100 });
  const ask = (id: number, address: string) =>
    void it.handler({
      ...callOf("tools/call", {}, { id }),
      session: { id: `${id}`, isSessionless: true } as Session,
      request: { transport: "http", address, header: () => undefined },
    });
  for (let id = 1; id <= 4; id++) ask(id, `10.0.0.1:${id}`);
  ask(10, "10.0.0.2:1");
  await it.finish();
  assert.deepEqual(it.order, [1, 2, 10, 3, 4]);
});

Deno.test("limitConcurrency() refuses when the line is full; the longest gives way to who waits less", async () => {
  using it = scene({ max: 1, queue: 3 });
  const greedy = session("greedy"), other = session("other");
  const [, , , last] = [1, 2, 3, 4].map((id) => it.ask(id, greedy));
  await assert.rejects(it.ask(5, greedy), overloaded(/3 wait already/));
  it.ask(10, other);
  await assert.rejects(last, overloaded(/3 wait already/));
  await it.finish();
  assert.deepEqual(it.order, [1, 2, 10, 3]);
});

Deno.test("limitConcurrency() refuses what has waited too long, and nothing else", async () => {
  using it = scene({ max: 1, queue: 10, queueMs: 500 });
  it.ask(1);
  const late = it.ask(2);
  await it.clock.tickAsync(300);
  const later = it.ask(3);
  await it.clock.tickAsync(200);
  await assert.rejects(late, overloaded(/no room for 500 ms/));
  await it.finish();
  assert.ok(await later);
  assert.deepEqual(it.order, [1, 3]);
  assert.equal(it.clock.countTimers(), 0);
});

Deno.test("limitConcurrency() forgets a call that is cancelled while it waits", async () => {
  using it = scene({ max: 1, queue: 1 });
  const gone = new AbortController();
  it.ask(1);
  const cancelled = it.ask(2, session("s"), gone.signal);
  await it.settle();
  gone.abort();
  await assert.rejects(cancelled, /cancelled/);
  it.ask(3);
  await it.finish();
  assert.deepEqual(it.order, [1, 3]);
  assert.equal(it.states.at(-1), "0 0");
});

Deno.test("limitConcurrency() lets listen streams and notifications pass", async () => {
  using it = scene({ max: 1, queue: 0 });
  it.ask(1);
  void it.handler(callOf("subscriptions/listen", {}, { id: 2 }));
  await it.settle();
  assert.deepEqual(it.order, [1, 2]);
  await it.finish();
});
