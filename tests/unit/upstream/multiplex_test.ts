import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { failure, notification, result } from "../../../lib/core/compose.ts";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call } from "../../../lib/core/handler.ts";
import type { Message } from "../../../lib/core/message.ts";
import { Multiplex } from "../../../lib/upstream/multiplex.ts";
import { callOf, toolCall } from "../policy/calls.ts";

const DEADLINE_MS = 1000;

/** Three members whose calls are answered by hand, under a clock that stands still. */
function scene() {
  const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  const asked: (PromiseWithResolvers<Message | undefined> & { call: Call })[][] = [[], [], []];
  const told: string[] = [];
  const members = asked.map((calls, index) => ({
    name: `m${index}`,
    handle(call: Call) {
      if (call.message.kind === "notification") {
        told.push(`m${index} ${call.message.method}`);
        return Promise.resolve(undefined);
      }
      const open = { ...Promise.withResolvers<Message | undefined>(), call };
      calls.push(open);
      return open.promise;
    },
    load: () => calls.length,
    ready: () => index > 0,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));
  const isSafe = ({ method, name }: Message) => method === "tools/list" || name === "read";
  const upstream = new Multiplex("m", members, { isSafe, deadlineMs: DEADLINE_MS });
  const answer = (member: number, value: unknown) => {
    const { call, resolve } = asked[member].at(-1)!;
    resolve(result(call.message.id!, value));
  };
  const fail = (member: number) =>
    asked[member].at(-1)!.reject(new GatewayError("UpstreamUnavailable", "gone"));
  return { clock, asked, told, upstream, answer, fail, [Symbol.dispose]: () => clock.uninstall() };
}

Deno.test("Multiplex answers as soon as two of three agree, and cancels the third", async () => {
  using it = scene();
  const answer = it.upstream.handle(callOf("tools/list", undefined, { id: 7 }));
  it.answer(2, { a: 1, b: 2 });
  it.answer(0, { b: 2, a: 1 });
  const { id, result } = (await answer)!.json();
  assert.deepEqual([id, result], [7, { a: 1, b: 2 }]);
  assert.deepEqual(it.told, ["m1 notifications/cancelled"]);
  assert.equal(it.asked[1][0].call.signal.aborted, true);
  assert.equal(it.clock.countTimers(), 0);
});

Deno.test("Multiplex believes neither a liar nor a dead member", async () => {
  using it = scene();
  for (const end of [(it_: typeof it) => it_.answer(0, "lie"), (it_: typeof it) => it_.fail(0)]) {
    const answer = it.upstream.handle(toolCall("read"));
    end(it);
    it.answer(1, "truth");
    it.answer(2, "truth");
    assert.equal((await answer)!.json().result, "truth");
  }
});

Deno.test("Multiplex gives up at once when no two can agree any more, and says who said what", async () => {
  using it = scene();
  const answer = it.upstream.handle(toolCall("read"));
  it.answer(0, "lie");
  it.fail(2);
  it.answer(1, "truth");
  const error = await answer.then(() => assert.fail(), (error) => error as GatewayError);
  assert.equal(error.failure, "QuorumNotReached");
  // deno-lint-ignore no-explicit-any -- a test looks into it freely
  const data = error.data as any;
  assert.equal(data.needed, 2);
  assert.deepEqual(data.answers.map((one: { members: string[] }) => one.members), [["m0"], ["m1"]]);
  assert.deepEqual(data.failed, [{ member: "m2", code: -31001, message: "gone" }]);
  assert.deepEqual(data.silent, []);
});

Deno.test("Multiplex takes an answer that tells of a loss for no answer", async () => {
  using it = scene();
  const answer = it.upstream.handle(toolCall("read"));
  for (const member of [0, 1]) {
    const { call, resolve } = it.asked[member][0];
    resolve(failure(call.message.id, new GatewayError("UpstreamUnavailable", "gone")));
  }
  await assert.rejects(answer, { failure: "QuorumNotReached" });
});

Deno.test("Multiplex agrees on errors of the servers", async () => {
  using it = scene();
  const answer = it.upstream.handle(toolCall("read"));
  for (const member of [0, 1]) {
    const { call, resolve } = it.asked[member][0];
    resolve(failure(call.message.id, new GatewayError("InvalidParams", "no such thing")));
  }
  assert.equal((await answer)!.json().error.message, "no such thing");
});

Deno.test("Multiplex gives up at the deadline, and names who kept silent", async () => {
  using it = scene();
  const answer = it.upstream.handle(toolCall("read"));
  it.answer(0, "lie");
  it.answer(1, "truth");
  for (let i = 0; i < 10; i++) await Promise.resolve();
  it.clock.tick(DEADLINE_MS);
  const error = await answer.then(() => assert.fail(), (error) => error as GatewayError);
  assert.deepEqual((error.data as { silent: string[] }).silent, ["m2"]);
  assert.deepEqual(it.told, ["m2 notifications/cancelled"]);
});

Deno.test("Multiplex refuses what may have an effect, and sends it to nobody", async () => {
  using it = scene();
  for (const call of [toolCall("write"), callOf("resources/subscribe", { uri: "x" })]) {
    await assert.rejects(it.upstream.handle(call), { failure: "PolicyDenied" });
  }
  assert.equal(it.asked.flat().length, 0);
});

Deno.test("Multiplex lets the client hear one member, and ask none twice", async () => {
  using it = scene();
  const call = toolCall("read");
  const answer = it.upstream.handle(call);
  for (const [{ call: copy }] of it.asked) {
    await copy.notify(notification("notifications/progress"));
  }
  assert.equal(call.heard.length, 1);
  await assert.rejects(it.asked[1][0].call.ask(call.message));
  const sessions = it.asked.map(([{ call: copy }]) => copy.session);
  assert.equal(new Set(sessions).size, 3);
  await sessions[2].notify(call.message);
  await assert.rejects(sessions[2].ask(call.message));
  it.answer(0, 1);
  it.answer(1, 1);
  await answer;
});

Deno.test("Multiplex tells all members what the client tells, and cancels all when it has gone", async () => {
  using it = scene();
  const initialized = { ...callOf("x"), message: notification("notifications/initialized") };
  assert.equal(await it.upstream.handle(initialized), undefined);
  assert.equal(it.told.splice(0).length, 3);
  const client = new AbortController();
  const answer = it.upstream.handle(toolCall("read", client.signal));
  client.abort();
  assert.deepEqual(it.told, [0, 1, 2].map((n) => `m${n} notifications/cancelled`));
  for (const member of [0, 1, 2]) it.fail(member);
  await assert.rejects(answer);
});

Deno.test("Multiplex is ready when a majority is", () => {
  using it = scene();
  assert.equal(it.upstream.ready(), true);
});
