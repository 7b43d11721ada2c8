import assert from "node:assert/strict";
import fc from "fast-check";
import { Allowance } from "../../../../transports/http2/allowance.ts";

function taken(allowance: Allowance, tries: number): number {
  return Array.from({ length: tries }, () => allowance.take()).filter(Boolean).length;
}

Deno.test("Allowance gives a burst, and then as much as time brings", () => {
  let nowMs = 0;
  const allowance = new Allowance({ burst: 10, perSecond: 5 }, () => nowMs);
  assert.equal(taken(allowance, 20), 10);
  nowMs = 1000;
  assert.equal(taken(allowance, 20), 5);
  nowMs = 1_000_000;
  assert.equal(taken(allowance, 20), 10);
});

Deno.test("Allowance keeps what is granted", () => {
  let nowMs = 0;
  const allowance = new Allowance({ burst: 10, perSecond: 5 }, () => nowMs);
  allowance.grant(3);
  nowMs = 1_000_000;
  allowance.grant(4);
  assert.equal(taken(allowance, 100), 17);
});

Deno.test("Allowance never gives more than burst, time and grants allow", () => {
  const steps = fc.array(fc.tuple(fc.nat(500), fc.nat(30), fc.nat(5)));
  fc.assert(fc.property(steps, (all) => {
    let nowMs = 0, count = 0, granted = 0;
    const allowance = new Allowance({ burst: 10, perSecond: 20 }, () => nowMs);
    for (const [waitMs, tries, grant] of all) {
      nowMs += waitMs;
      granted += grant;
      allowance.grant(grant);
      count += taken(allowance, tries);
      assert.ok(count <= 10 + granted + nowMs * 20 / 1000 + 1e-6);
    }
  }));
});
