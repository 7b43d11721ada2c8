/**
 * What every strategy of a pool must do: pick among what it is given, whatever that is, starve nobody for good, stay
 * away from members that fail or are slow where it knows, and do the same again under the same circumstances.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Rated, Strategy, StrategyOptions } from "../../lib/upstream/balancers/strategy.ts";
import { MemberStats } from "../../lib/upstream/pool/member_stats.ts";

/** A strategy under test. */
export interface BalancerUnderTest {
  readonly name: string;
  make(options: StrategyOptions): Strategy;
  /** Whether it looks at how long answers take. */
  readonly knowsLatency: boolean;
  /** Whether it looks at failures. */
  readonly knowsErrors: boolean;
}

/** Registers the contract for one strategy. */
export function balancerContract(balancer: BalancerUnderTest): void {
  for (const [title, check] of Object.entries(CLAUSES)) {
    Deno.test(`${balancer.name} ${title}`, () => check(balancer));
  }
}

const asked = (name: string) => ({ message: { method: "tools/call", name } });

const CLAUSES: Readonly<Record<string, (balancer: BalancerUnderTest) => void>> = {
  "picks nothing among nothing": (balancer) => {
    assert.equal(new Scene(balancer).strategy.pick([], asked("a")), undefined);
  },

  "picks one of the members it is given, whatever their figures": (balancer) => {
    fc.assert(fc.property(fc.array(figures, { minLength: 1, maxLength: 20 }), (all) => {
      const scene = new Scene(balancer);
      const members = all.map((figures, index) => rated(index, figures));
      for (let i = 0; i < 30; i++) {
        const some = members.filter((_, index) => (index * 7 + i) % 3 !== 0);
        const given = some.length > 0 ? some : members;
        const picked = scene.strategy.pick(given, asked(`tool ${i % 3}`));
        assert.ok(picked !== undefined && given.includes(picked));
      }
    }));
  },

  "does not change the list it is given": (balancer) => {
    const scene = new Scene(balancer);
    const members = Object.freeze(scene.members(5));
    for (let i = 0; i < 10; i++) assert.ok(scene.strategy.pick(members, asked("a")));
  },

  "gives equal members equal shares, within a quarter": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(4);
    for (let i = 0; i < 4000; i++) scene.call(members, () => 10);
    for (const { stats } of members) {
      assert.ok(Math.abs(stats.calls - 1000) < 250, `${stats.calls} of 4000 calls`);
    }
  },

  "spreads calls that are open at the same time": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(5);
    for (let i = 0; i < 500; i++) scene.call(members, () => 10);
    const ends = Array.from({ length: 50 }, () => scene.begin(members));
    const most = Math.max(...members.map(({ stats }) => stats.pending));
    for (const end of ends) end(10);
    assert.ok(most <= 15, `${most} of 50 calls on one of 5 members`);
  },

  "gives a slow member less, where it knows, and never nothing for ever": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(3);
    for (let i = 0; i < 3000; i++) scene.call(members, ({ index }) => index === 1 ? 40 : 4, 3);
    const slow = members[1].stats.calls;
    assert.ok(slow > 0);
    if (balancer.knowsLatency) assert.ok(slow < 800, `${slow} of 3000 calls`);
  },

  "is not lured by a member that fails at once, where it knows": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(3);
    for (let i = 0; i < 3000; i++) scene.call(members, ({ index }) => index === 1 ? FAILS : 10, 3);
    const failing = members[1].stats.calls;
    if (balancer.knowsErrors) assert.ok(failing < 900, `${failing} of 3000 calls`);
  },

  "finds a member again that was slow and is well": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(3);
    for (let i = 0; i < 1000; i++) scene.call(members, ({ index }) => index === 1 ? 100 : 10, 3);
    for (let i = 0; i < 10_000; i++) scene.call(members, () => 10, 12); // two minutes
    const before = members[1].stats.calls;
    for (let i = 0; i < 3000; i++) scene.call(members, () => 10, 3);
    const after = members[1].stats.calls - before;
    assert.ok(after > 600, `${after} of 3000 calls`);
  },

  "takes members that come and go": (balancer) => {
    const scene = new Scene(balancer);
    const members = scene.members(6);
    for (let i = 0; i < 600; i++) {
      const given = members.filter(({ stats }) => (i >> 6) % 6 !== stats.index);
      scene.call(given, () => 10, 2);
    }
    for (const { stats } of members) assert.ok(stats.calls > 20, `${stats.calls} calls`);
  },

  "does the same again under the same circumstances": (balancer) => {
    const run = () => {
      const scene = new Scene(balancer);
      const members = scene.members(4);
      const took = ({ index }: MemberStats) => 5 + 3 * index;
      return Array.from({ length: 500 }, () => scene.call(members, took, 3)).join();
    };
    assert.equal(run(), run());
  },
};

/** Instead of a time. */
const FAILS = -1;

/** Virtual time, and calls in it. */
class Scene {
  readonly strategy: Strategy;
  #nowMs = 0;
  #seed = 1;
  #calls = 0;
  readonly #ends: { readonly atMs: number; readonly end: () => void }[] = [];

  constructor({ make }: BalancerUnderTest) {
    const random = () => (this.#seed = (this.#seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    this.strategy = make({ now: () => this.#nowMs, wallMs: () => this.#nowMs, random });
  }

  members(count: number): Rated[] {
    return Array.from({ length: count }, (_, index) => ({ stats: new MemberStats(index, 0) }));
  }

  /** Begins a call and returns its end. */
  begin(members: readonly Rated[]): (ms: number) => void {
    const what = asked(`tool ${this.#calls++ % 3}`);
    const { stats } = this.#pick(members, what);
    const ticket = this.strategy.sent?.({ stats }, what) ?? 0;
    stats.begin();
    return (ms) => {
      this.strategy.ended?.(ticket, Math.max(0, ms), ms === FAILS);
      stats.end(Math.max(0, ms), ms === FAILS, this.#nowMs);
    };
  }

  /** One call each so many ms; returns the member. */
  call(members: readonly Rated[], took: (stats: MemberStats) => number, everyMs = 20): number {
    this.#nowMs += everyMs;
    while (this.#ends.length > 0 && this.#ends[0].atMs <= this.#nowMs) this.#ends.shift()!.end();
    const before = members.map(({ stats }) => stats.pending);
    const end = this.begin(members);
    const { stats } = members[members.findIndex(({ stats }, i) => stats.pending > before[i])];
    const ms = took(stats);
    this.#ends.push({ atMs: this.#nowMs + Math.max(0, ms), end: () => end(ms) });
    this.#ends.sort((a, b) => a.atMs - b.atMs);
    return stats.index;
  }

  #pick(members: readonly Rated[], what: ReturnType<typeof asked>): Rated {
    return this.strategy.pick(members, what) ?? assert.fail("nothing was picked");
  }
}

interface Figures {
  readonly pending: number;
  readonly latencyMs: number;
  readonly errorRate: number;
}

const figures: fc.Arbitrary<Figures> = fc.record({
  pending: fc.nat(1000),
  latencyMs: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
  errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
});

function rated(index: number, { pending, latencyMs, errorRate }: Figures): Rated {
  const stats = new MemberStats(index, 0);
  stats.pending = pending;
  stats.latencyMs = latencyMs;
  stats.errorRate = errorRate;
  return { stats };
}
