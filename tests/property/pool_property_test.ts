import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Message } from "../../lib/core/message.ts";
import type { Affinity } from "../../lib/upstream/pool/pool_options.ts";
import { STRATEGIES, type StrategyName } from "../../lib/upstream/balancers/strategies.ts";
import {
  type Handed,
  lost,
  type PoolScene,
  poolScene,
  type ScriptedCall,
  ScriptedSession,
  settled,
  toolCall,
} from "../fixtures/scripted_pool.ts";

/** Something that happens to a pool. `pick` chooses among what there is. */
type Step =
  | { readonly what: "call"; readonly client: number }
  | { readonly what: "answer" | "refuse" | "lose" | "unsend" | "cancel"; readonly pick: number }
  | { readonly what: "break" | "start" | "fail to start"; readonly pick: number }
  | { readonly what: "wait"; readonly ms: number };

const pick = fc.nat({ max: 1000 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant("call" as const), client: fc.nat(5) }) },
    { weight: 5, arbitrary: fc.record({ what: fc.constant("answer" as const), pick }) },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constantFrom("refuse" as const, "lose" as const, "unsend" as const),
        pick,
      }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("cancel" as const), pick }) },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constantFrom("start" as const, "break" as const, "fail to start" as const),
        pick,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant("wait" as const),
        ms: fc.constantFrom(10, 200, 2000, 40_000),
      }),
    },
  ),
  { maxLength: 60 },
);

interface Settings {
  readonly min: number;
  readonly more: number;
  readonly callsPerMember: number;
  readonly affinity: Affinity;
  readonly strategy: StrategyName;
  readonly queue: number;
  readonly startsByHand: boolean;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  min: fc.integer({ min: 1, max: 3 }),
  more: fc.nat(4),
  callsPerMember: fc.constantFrom(1, 2, Infinity),
  affinity: fc.constantFrom("state" as const, "session" as const),
  strategy: fc.constantFrom(...Object.keys(STRATEGIES) as StrategyName[]),
  queue: fc.constantFrom(0, 3, 1000),
  startsByHand: fc.boolean(),
});

/** A call of the model, and how often it may have reached a member. */
interface Followed {
  readonly call: ScriptedCall;
  readonly name: string;
  timesUnsent: number;
  outcomes: number;
  answer: Message | undefined;
}

class Model {
  readonly scene: PoolScene;
  readonly #callsMax: number;
  readonly #clock: FakeTimers.Clock;
  readonly #clients = Array.from(
    { length: 6 },
    (_, i) => new ScriptedSession(`client ${i}`, i % 2 === 0),
  );
  readonly calls: Followed[] = [];
  /** What members have and have not settled. */
  readonly #open = new Set<Handed>();
  readonly #seen = new Set<Handed>();

  constructor(scene: PoolScene, callsMax: number, clock: FakeTimers.Clock) {
    this.scene = scene;
    this.#callsMax = callsMax;
    this.#clock = clock;
  }

  async take(step: Step): Promise<void> {
    if (step.what === "call") this.#call(this.#clients[step.client]);
    else if (step.what === "wait") await this.#clock.tickAsync(step.ms);
    else if (["break", "start", "fail to start"].includes(step.what)) this.#onMember(step);
    else if (step.what === "cancel") chosen(this.calls, step.pick)?.call.cancel();
    else this.#onCall(step as Step & { pick: number });
    await settled();
    this.check();
  }

  /** Nothing is doubled, no member has more than it may. */
  check(): void {
    for (const member of this.scene.made) {
      for (const handed of member.handed) {
        if (this.#seen.has(handed) || handed.call.message.name === undefined) continue;
        this.#seen.add(handed);
        this.#open.add(handed);
      }
      if (member.isDisposed) { for (const handed of member.handed) this.#open.delete(handed); }
      const open = member.handed.filter((handed) => this.#open.has(handed)).length;
      assert.ok(open <= this.#callsMax, `member ${member.index} has ${open} calls`);
    }
    for (const { name, timesUnsent, outcomes } of this.calls) {
      const times = this.scene.made.flatMap(({ seen }) =>
        seen
      ).filter((one) => one === name).length;
      assert.ok(times <= 1 + timesUnsent, `${name} reached ${times} members`);
      assert.ok(outcomes <= 1, `${name} was settled twice`);
    }
  }

  #call(client: ScriptedSession): void {
    const name = `call ${this.calls.length}`;
    const call = toolCall(client, name);
    const followed: Followed = { call, name, timesUnsent: 0, outcomes: 0, answer: undefined };
    this.calls.push(followed);
    this.scene.pool.handle(call).then(
      (answer) => {
        followed.outcomes++;
        followed.answer = answer;
      },
      () => followed.outcomes++,
    );
  }

  #onCall({ what, pick }: Step & { pick: number }): void {
    const handed = chosen([...this.#open], pick);
    if (handed === undefined) return;
    this.#open.delete(handed);
    const followed = this.calls.find(({ name }) => name === handed.call.message.name)!;
    if (what === "answer") handed.answer();
    else if (what === "refuse") handed.refuse("InternalError");
    else if (what === "lose") handed.fail(lost("unknown"));
    else {
      followed.timesUnsent++;
      handed.fail(lost("not_sent"));
    }
  }

  #onMember(step: Step): void {
    const { what, pick } = step as Step & { pick: number };
    const member = chosen(this.scene.made.filter(({ isDisposed }) => !isDisposed), pick);
    if (what === "start") member?.starting.resolve();
    else if (what === "fail to start") member?.starting.reject(new Error("refused"));
    else {
      for (const handed of member?.handed ?? []) this.#open.delete(handed);
      member?.break("unknown");
    }
  }
}

function chosen<T>(from: readonly T[], pick: number): T | undefined {
  return from[pick % Math.max(1, from.length)];
}

/** A call for the home of one client was placed while that home was about to be offered to all. */
const OVERTAKEN: [Settings, Step[]] = [
  {
    min: 2,
    more: 0,
    callsPerMember: 1,
    affinity: "session",
    strategy: "roundRobin",
    queue: 3,
    startsByHand: false,
  },
  [{ what: "call", client: 5 }, { what: "call", client: 0 }, { what: "call", client: 0 }],
];

Deno.test("a pool loses and doubles no call, whatever its members do", async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, async ({ more, startsByHand, ...options }, steps) => {
      const clock = FakeTimers.install();
      try {
        const scene = poolScene({ ...options, max: options.min + more, startsByHand });
        const model = new Model(scene, options.callsPerMember, clock);
        for (const step of steps) await model.take(step);
        await scene.pool[Symbol.asyncDispose]();
        await settled();
        model.check();
        for (const { name, outcomes } of model.calls) assert.equal(outcomes, 1, `${name} was lost`);
        assert.equal(scene.pool.load(), 0);
        assert.deepEqual(Object.values(scene.counts), [0, 0, 0, 0, 0]);
        assert.ok(scene.made.every(({ isDisposed }) => isDisposed), "a member was left behind");
        assert.equal(clock.countTimers(), 0);
      } finally {
        clock.uninstall();
      }
    }),
    { numRuns: 500, examples: [OVERTAKEN] },
  );
});
