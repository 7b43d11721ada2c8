import assert from "node:assert/strict";
import { GatewayError } from "../../../lib/core/errors.ts";
import type { Call } from "../../../lib/core/handler.ts";
import { ask, cacheScene, FakeCall, FakeSession } from "../../fixtures/cache_scene.ts";

const read = (id: number) => ask("resources/read", { uri: "x://1" }, id);

/** Lets promises settle until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (condition()) return;
    await Promise.resolve();
  }
  assert.fail("it never came");
}

/** An upstream that answers when it is told to. */
function slowScene(answer: (call: Call) => unknown = () => ({ contents: [] })) {
  const gates: PromiseWithResolvers<void>[] = [];
  const scene = cacheScene(async (call) => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    return answer(call);
  });
  return { ...scene, gates };
}

Deno.test("Flight asks once for all who ask at the same time", async () => {
  const { handle, asked, gates, counts } = slowScene();
  const calls = Array.from({ length: 50 }, (_, id) => new FakeCall(read(id)));
  const answers = calls.map((call) => handle(call));
  gates[0].resolve();
  const ids = (await Promise.all(answers)).map((answer) => answer!.json().id);
  assert.deepEqual(ids, calls.map((_, id) => id));
  assert.equal(asked.length, 1);
  assert.deepEqual(counts, { "l1 miss": 50, "l3 joined": 49, "l3 kept": 1 });
});

Deno.test("Flight goes on when one of those who wait is cancelled", async () => {
  for (const leaver of [0, 1]) {
    const { handle, asked, gates } = slowScene();
    const calls = [new FakeCall(read(1)), new FakeCall(read(2))];
    const answers = calls.map((call) => handle(call));
    calls[leaver].cancel();
    await assert.rejects(answers[leaver], /cancelled/);
    assert.equal(asked[0].signal.aborted, false);
    gates[0].resolve();
    assert.equal((await answers[1 - leaver])!.json().id, 2 - leaver);
    assert.equal(asked.length, 1);
  }
});

Deno.test("Flight is cancelled at the server when the last has left, and the next asks anew", async () => {
  const { handle, asked, gates } = slowScene();
  const calls = [new FakeCall(read(1)), new FakeCall(read(2))];
  const answers = calls.map((call) => handle(call));
  calls.forEach((call) => call.cancel());
  await Promise.allSettled(answers);
  assert.equal(asked[0].signal.aborted, true);
  const next = handle(new FakeCall(read(3)));
  assert.equal(asked.length, 2);
  gates.forEach((gate) => gate.resolve());
  assert.equal((await next)!.json().id, 3);
});

Deno.test("Flight is begun again by those who wait when its first asker has gone with its connection", async () => {
  const { handle, asked, gates } = slowScene((call) => {
    if (call.session.signal.aborted) throw new GatewayError("InternalError", "Cannot answer: gone");
    return { contents: [] };
  });
  const leader = new FakeSession();
  const first = handle(new FakeCall(read(1), leader));
  const second = handle(new FakeCall(read(2)));
  leader.end();
  gates[0].resolve();
  await assert.rejects(first, /gone/);
  await until(() => gates.length === 2);
  gates[1].resolve();
  assert.equal((await second)!.json().id, 2);
  assert.equal(asked.length, 2);
});

Deno.test("Flight that fails fails for all, and nothing is kept", async () => {
  const { handle, asked, gates } = slowScene(() => {
    throw new GatewayError("UpstreamTimeout", "Cannot answer: late");
  });
  const answers = [handle(new FakeCall(read(1))), handle(new FakeCall(read(2)))];
  gates[0].resolve();
  for (const { status } of await Promise.allSettled(answers)) assert.equal(status, "rejected");
  void handle(new FakeCall(read(3))).catch(() => {});
  assert.equal(asked.length, 2);
  gates[1].resolve();
});

Deno.test("Flight gives what is private, or a question, to its first asker alone", async () => {
  const results = [
    { ttlMs: 1000, cacheScope: "private", contents: [] },
    { resultType: "input_required", inputRequests: {} },
  ];
  for (const value of results) {
    const { handle, asked, gates } = slowScene(() => value);
    const answers = ["anne", "bert"].map((principal, id) =>
      handle(new FakeCall(read(id), new FakeSession(), principal))
    );
    gates[0].resolve();
    await answers[0];
    await until(() => gates.length === 2);
    gates[1].resolve();
    await answers[1];
    assert.equal(asked[1].request.identity?.principal, "bert");
  }
});

Deno.test("Flight tells its first asker of progress", async () => {
  const session = new FakeSession();
  const { handle, asked, gates } = slowScene();
  const answer = handle(new FakeCall(read(1), session));
  await asked[0].notify(ask("notifications/progress"));
  assert.equal(session.told.length, 1);
  gates[0].resolve();
  await answer;
});
