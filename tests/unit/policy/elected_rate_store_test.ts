import assert from "node:assert/strict";
import { ElectedRateStore } from "../../../lib/policy/elected_rate_store.ts";
import { perMinute, perSecond } from "../../../lib/policy/token_bucket.ts";

/** Processes of one gateway, at one time that the test moves. */
class Group {
  nowMs = 1_000;
  readonly down = new Set<number>();
  readonly asked: string[] = [];
  readonly stores: ElectedRateStore[];

  constructor(count: number) {
    this.stores = Array.from({ length: count }, () => new ElectedRateStore(100, () => this.nowMs));
    this.stores.forEach((store, index) =>
      store.join({
        own: index + 1,
        count,
        ask: async (worker, question) => {
          this.asked.push(question);
          await Promise.resolve();
          if (this.down.has(worker)) throw new Error("it does not answer in time");
          return this.stores[worker - 1].answer(question);
        },
      })
    );
  }

  /** How many of so many calls are admitted, spread over all processes that are up. */
  async admitted(account: string, calls: number, rates = [perSecond(1, 20)]): Promise<number> {
    const up = this.stores.filter((_, index) => !this.down.has(index + 1));
    const answers = await Promise.all(
      Array.from({ length: calls }, (_, i) => up[i % up.length].take(account, rates)),
    );
    return answers.filter(({ retryAfterMs }) => retryAfterMs === 0).length;
  }

  /** The process that keeps an account, in the eyes of the first. */
  keeperOf(account: string): number {
    return this.stores[0].keeperOf(account);
  }
}

const ACCOUNTS = Array.from({ length: 300 }, (_, i) => `principal key:${i}`);

Deno.test("ElectedRateStore admits exactly the limit, whichever processes calls reach", async () => {
  for (const count of [1, 2, 3, 8]) {
    const group = new Group(count);
    for (const account of ACCOUNTS.slice(0, 30)) {
      assert.equal(await group.admitted(account, 100), 20, `${count}`);
    }
    group.nowMs += 5_000;
    assert.equal(await group.admitted(ACCOUNTS[0], 100), 5);
  }
});

Deno.test("ElectedRateStore holds every rate of an account", async () => {
  const group = new Group(4);
  const rates = [perSecond(100, 100), perMinute(7)];
  assert.equal(await group.admitted("principal p", 40, rates), 7);
});

Deno.test("ElectedRateStore spreads accounts evenly, and moves few when one process is gone", async () => {
  const group = new Group(4);
  const before = ACCOUNTS.map((account) => group.keeperOf(account));
  for (const worker of [1, 2, 3, 4]) {
    const share = before.filter((one) => one === worker).length;
    assert.ok(share > 40 && share < 120, `${worker} keeps ${share} of 300`);
  }
  group.down.add(2);
  const lost = ACCOUNTS[before.indexOf(2)];
  for (const store of group.stores) await store.take(lost, [perSecond(1, 1000)]); // they learn of it
  const moved = ACCOUNTS.filter((account, i) =>
    before[i] !== 2 && group.keeperOf(account) !== before[i]
  );
  assert.deepEqual(moved, []);
});

Deno.test("ElectedRateStore asks about what comes together at once", async () => {
  const group = new Group(2);
  const far = ACCOUNTS.filter((account) => group.keeperOf(account) === 2).slice(0, 50);
  group.asked.length = 0;
  await Promise.all(far.map((account) => group.stores[0].take(account, [perSecond(1, 20)])));
  assert.equal(group.asked.length, 1);
  assert.equal(JSON.parse(group.asked[0]).length, 50);
});

Deno.test("ElectedRateStore counts against its part when the keeper does not answer, then elects another", async () => {
  const group = new Group(2);
  const account = ACCOUNTS.find((one) => group.keeperOf(one) === 2)!;
  group.down.add(2);
  assert.equal(await group.admitted(account, 50), 10, "half of 20, for calls that have waited");
  assert.equal(group.stores[0].alone, 50);
  assert.equal(await group.admitted(account, 50), 20, "it keeps the account now");
  assert.equal(group.stores[0].alone, 50);
  group.down.clear();
  group.nowMs += 1_001;
  assert.equal(await group.admitted(account, 50), 20, "the keeper is back, with its own bucket");
});

Deno.test("ElectedRateStore takes nothing for a question that is none", () => {
  const store = new ElectedRateStore(10);
  const bad = [
    ...["", "{}", "[1]", "[[]]", '[["a"]]', '[["a",1]]', '[["a",0,1]]', '[["a",-1,1]]'],
    ...['[["a",1,2,3]]', "[[1,1,1]]", '[["a","1",1]]', `[["a"${",1,1".repeat(5)}]]`],
  ];
  for (const text of bad) {
    assert.throws(() => store.answer(text), (error) => error instanceof Error, text);
  }
});

Deno.test("ElectedRateStore answers itself when another says nonsense", async () => {
  const store = new ElectedRateStore(10);
  store.join({ own: 1, count: 2, ask: () => Promise.resolve("[]") });
  const answers = await Promise.all(
    ACCOUNTS.map((account) => store.take(account, [perSecond(1, 20)])),
  );
  assert.ok(answers.every(({ retryAfterMs }) => retryAfterMs === 0));
  assert.ok(store.alone > 0);
});
