import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BodyBudget,
  type BodyShare,
  FREE_BODY_BYTES,
} from "../../../../transports/http/body_budget.ts";

interface Body {
  share: BodyShare;
  isPaused: boolean;
  received: number;
}

function open(budget: BodyBudget): Body {
  const body = { isPaused: false, received: 0 } as Body;
  body.share = budget.open({
    pause: () => body.isPaused = true,
    resume: () => body.isPaused = false,
    refuse: () => assert.fail("nobody waits for so long here"),
  });
  return body;
}

function grow(body: Body, byteLength: number): void {
  body.received += byteLength;
  body.share.grow(body.received);
}

Deno.test("small bodies are never counted", () => {
  const budget = new BodyBudget(0);
  const body = open(budget);
  grow(body, FREE_BODY_BYTES);
  assert.deepEqual([budget.heldBytes, body.isPaused], [0, false]);
  body.share.release();
});

Deno.test("bodies over the budget wait, except one, and go on in the order in which they came", () => {
  const budget = new BodyBudget(1000);
  const [first, second, third] = [open(budget), open(budget), open(budget)];
  grow(first, FREE_BODY_BYTES + 900);
  grow(second, FREE_BODY_BYTES + 200);
  assert.ok(!second.isPaused, "the one that always goes on");
  grow(third, FREE_BODY_BYTES + 10);
  grow(first, 10);
  assert.ok(third.isPaused && first.isPaused && !second.isPaused);
  second.share.release();
  assert.ok(!third.isPaused && !first.isPaused, "920 bytes are held");
  grow(third, 200);
  assert.ok(!third.isPaused);
  grow(first, 10);
  assert.ok(first.isPaused);
  third.share.release();
  assert.ok(!first.isPaused);
  first.share.release();
  assert.equal(budget.heldBytes, 0);
});

Deno.test("a body that waits too long is refused", async () => {
  const budget = new BodyBudget(0, 1);
  const favourite = open(budget);
  grow(favourite, FREE_BODY_BYTES + 1);
  const refused = Promise.withResolvers<unknown>();
  const share = budget.open({ pause() {}, resume() {}, refuse: refused.resolve });
  share.grow(FREE_BODY_BYTES + 1);
  assert.match(String(await refused.promise), /too many large ones/);
  share.release();
  favourite.share.release();
  assert.equal(budget.heldBytes, 0);
});

Deno.test("whatever bodies do, one of them can always go on, and nothing stays counted", () => {
  const step = fc.record({
    body: fc.nat(9),
    bytes: fc.nat(5000),
    isEnd: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const budget = new BodyBudget(10_000);
    const bodies = new Map<number, Body>();
    for (const { body: index, bytes, isEnd } of steps) {
      const body = bodies.get(index) ?? open(budget);
      bodies.set(index, body);
      if (isEnd) {
        body.share.release();
        bodies.delete(index);
      } else if (!body.isPaused) grow(body, FREE_BODY_BYTES + bytes);
      const alive = [...bodies.values()];
      assert.ok(alive.length === 0 || alive.some(({ isPaused }) => !isPaused));
    }
    for (const body of bodies.values()) body.share.release();
    assert.equal(budget.heldBytes, 0);
  }));
});
