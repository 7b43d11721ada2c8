import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryRateStore } from "../../lib/policy/rate_store.ts";
import { perMinute, perSecond, type Rate } from "../../lib/policy/token_bucket.ts";

/** Tokens that drip in with time: what the store stands for, in the plainest form. */
class Model {
  readonly #tokens = new Map<string, { left: number[]; atMs: number }>();

  take(account: string, rates: readonly Rate[], nowMs: number): boolean {
    const bucket = this.#tokens.get(account) ??
      { left: rates.map(({ burst }) => burst), atMs: nowMs };
    this.#tokens.set(account, bucket);
    bucket.left = bucket.left.map((left, i) =>
      Math.min(rates[i].burst, left + (nowMs - bucket.atMs) / rates[i].intervalMs)
    );
    bucket.atMs = nowMs;
    const isAdmitted = bucket.left.every((left) => left >= 1 - 1e-6);
    if (isAdmitted) bucket.left = bucket.left.map((left) => left - 1);
    return isAdmitted;
  }
}

const RATES = fc.record({
  burst: fc.integer({ min: 1, max: 20 }),
  calls: fc.integer({ min: 1, max: 50 }),
  tier: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
}).map(({ burst, calls, tier }) =>
  tier === undefined ? [perSecond(calls, burst)] : [perSecond(calls, burst), perMinute(tier)]
);

const STEPS = fc.array(
  fc.record({
    account: fc.constantFrom("a", "b", "c", "d"),
    waitMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3_000, noNaN: true })),
  }),
  { maxLength: 300 },
);

Deno.test("MemoryRateStore decides as the model does, whatever it has forgotten", () => {
  fc.assert(
    fc.property(
      RATES,
      STEPS,
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      (rates, steps, startMs) => {
        let nowMs = startMs;
        const store = new MemoryRateStore(4, () => nowMs);
        const model = new Model();
        for (const { account, waitMs } of steps) {
          nowMs += waitMs;
          const { retryAfterMs } = store.take(account, rates);
          assert.equal(retryAfterMs === 0, model.take(account, rates, nowMs));
        }
      },
    ),
  );
});

Deno.test("MemoryRateStore never admits more than the burst and what has come back", () => {
  fc.assert(fc.property(RATES, STEPS, (rates, steps) => {
    let nowMs = 5_000;
    const store = new MemoryRateStore(4, () => nowMs);
    const admittedAtMs: number[] = [];
    for (const { waitMs } of steps) {
      nowMs += waitMs / 10;
      if (store.take("a", rates).retryAfterMs === 0) admittedAtMs.push(nowMs);
    }
    for (const { burst, intervalMs } of rates) {
      for (let from = 0; from < admittedAtMs.length; from++) {
        for (let to = from; to < admittedAtMs.length; to += 7) {
          const sinceMs = admittedAtMs[to] - admittedAtMs[from];
          assert.ok(to - from + 1 <= burst + sinceMs / intervalMs + 1e-6);
        }
      }
    }
  }));
});

Deno.test("MemoryRateStore tells a refused client when it will be admitted, and what is left truly", () => {
  fc.assert(fc.property(RATES, STEPS, (rates, steps) => {
    let nowMs = 5_000;
    const store = new MemoryRateStore(4, () => nowMs);
    for (const { waitMs } of steps) {
      nowMs += waitMs / 50;
      const { retryAfterMs, remaining } = store.take("a", rates);
      assert.ok(remaining >= 0 && remaining < rates[0].burst + 1);
      if (retryAfterMs === 0) continue;
      assert.equal(remaining, 0);
      nowMs += retryAfterMs;
      assert.equal(store.take("a", rates).retryAfterMs, 0);
    }
    for (let left = store.take("a", rates).remaining; left > 0; left--) {
      assert.equal(store.take("a", rates).retryAfterMs, 0, `${left} were promised`);
    }
  }));
});

Deno.test("MemoryRateStore holds no more accounts than it may, and forgets those that are full", () => {
  let nowMs = 0;
  const store = new MemoryRateStore(1_000, () => nowMs);
  const rates = [perSecond(100, 100)];
  for (let i = 0; i < 10_000; i++) store.take(`flood ${i}`, rates);
  assert.equal(store.size, 1_000);
  nowMs += 60_000;
  for (let i = 0; i < 1_000; i++) store.take(`later ${i}`, rates);
  assert.ok(store.size <= 1_000);
  nowMs += 60_000;
  for (let i = 0; i < 600; i++) store.take("the same", rates);
  for (let i = 0; i < 600; i++) store.take(`last ${i}`, rates);
  assert.ok(store.size <= 602, `${store.size}`);
});

Deno.test("MemoryRateStore remembers whoever keeps calling while others come and go", () => {
  const store = new MemoryRateStore(100, () => 1_000);
  const rates = [perMinute(10)];
  for (let i = 0; i < 10; i++) assert.equal(store.take("busy", rates).retryAfterMs, 0);
  for (let i = 0; i < 5_000; i++) {
    store.take(`passing ${i}`, rates);
    if (i % 20 === 0) assert.notEqual(store.take("busy", rates).retryAfterMs, 0, `${i}`);
  }
});
