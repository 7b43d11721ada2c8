import fc from "fast-check";
import assert from "node:assert/strict";
import { FairLine, type Waiter } from "../../lib/policy/fair_line.ts";

const QUEUE = 8;
const PARTIES = ["a", "b", "c"];

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ join: fc.constantFrom(...PARTIES) }) },
    { weight: 2, arbitrary: fc.constant("admit" as const) },
    { weight: 1, arbitrary: fc.record({ leave: fc.nat(QUEUE) }) },
  ),
  { maxLength: 80 },
);

/** A line, and who waits in it as far as it has said. */
class Observed {
  readonly line = new FairLine({ waitingMax: QUEUE, waitMs: 60_000 }, () => 0);
  readonly waiting = new Map<Waiter, string>();
  /** Of every party that waits: who was admitted since it began to, or was admitted last. */
  readonly passed = new Map<string, string[]>();
  /** When the last one joined, whom anybody may have to give way to. */
  #wasFull = false;

  of(party: string): Waiter[] {
    return [...this.waiting].filter(([, own]) => own === party).map(([waiter]) => waiter);
  }

  join(party: string): void {
    const longest = this.#longest();
    const own = this.of(party).length;
    const isFull = this.#wasFull = this.waiting.size === QUEUE;
    const waiter = {
      admit: () => this.#admitted(waiter, party),
      dismiss: () => {
        assert.ok(this.#wasFull, "dismissed without need");
        if (!this.waiting.has(waiter)) {
          return assert.ok(own + 1 >= longest, "a short line gave way");
        }
        assert.equal(this.of(party).length, this.#longest(), "not of the longest line");
        assert.equal(this.of(party).at(-1), waiter, "not the last of its line");
        this.gone(waiter);
      },
    };
    this.waiting.set(waiter, party);
    if (isFull && own + 1 >= longest) this.waiting.delete(waiter); // it will be the one
    else if (own === 0) this.passed.set(party, []);
    this.line.join(party, waiter);
  }

  gone(waiter: Waiter): void {
    const party = this.waiting.get(waiter)!;
    this.waiting.delete(waiter);
    if (this.of(party).length === 0) this.passed.delete(party);
  }

  #longest(): number {
    return Math.max(...PARTIES.map((name) => this.of(name).length));
  }

  #admitted(waiter: Waiter, party: string): void {
    assert.equal(this.of(party)[0], waiter, "not the first of its line");
    for (const [other, before] of this.passed) {
      if (other === party) continue;
      assert.ok(!before.includes(party), `${party} came twice while ${other} waited`);
      before.push(party);
    }
    this.passed.set(party, []);
    this.gone(waiter);
  }
}

Deno.test("FairLine admits parties in turn, each in its order, and makes room from the longest line", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const seen = new Observed();
      for (const step of script) {
        if (step === "admit") {
          const isAnyone = seen.waiting.size > 0;
          assert.equal(seen.line.admitNext(), isAnyone);
        } else if ("join" in step) seen.join(step.join);
        else {
          const one = [...seen.waiting.keys()][step.leave];
          if (one === undefined) continue;
          seen.line.leave(one);
          seen.gone(one);
        }
        assert.equal(seen.line.size, seen.waiting.size);
        assert.ok(seen.line.size <= QUEUE);
      }
      while (seen.line.admitNext());
      assert.equal(seen.waiting.size, 0);
    }),
    { numRuns: 500 },
  );
});
