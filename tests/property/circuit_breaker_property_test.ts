import fc from "fast-check";
import assert from "node:assert/strict";
import type { Permit } from "../../lib/core/circuit.ts";
import { ConsecutiveFailures } from "../../lib/policy/break_rules.ts";
import { CircuitBreaker } from "../../lib/policy/circuit_breaker.ts";

const FAILURES = 3, OPEN_MS = 100, SUCCESSES = 2;

/** What a breaker must do, written down once more in the plainest way. */
interface Model {
  nowMs: number;
  state: "closed" | "open" | "halfOpen";
  failures: number;
  successes: number;
  untilMs: number;
  /** Calls under way, and the period they began in. */
  open: { permit: Permit; period: number }[];
  period: number;
  probe: Permit | undefined;
}

interface Real {
  readonly breaker: CircuitBreaker;
  readonly clock: { nowMs: number };
}

type Command = fc.Command<Model, Real>;

function become(model: Model, state: Model["state"]): void {
  model.state = state;
  model.probe = undefined;
  if (state !== "halfOpen") model.period++;
  model.failures = 0;
  model.untilMs = model.nowMs + OPEN_MS;
  if (state !== "halfOpen") model.successes = 0;
}

class Tick implements Command {
  constructor(readonly ms: number) {}
  check = () => true;
  run(model: Model, { clock }: Real) {
    model.nowMs += this.ms;
    clock.nowMs += this.ms;
  }
  toString = () => `tick ${this.ms}`;
}

class Admit implements Command {
  check = () => true;
  run(model: Model, { breaker }: Real) {
    const isDue = model.state === "open" && model.nowMs >= model.untilMs;
    const isFree = model.state === "halfOpen" && model.probe === undefined;
    const expected = model.state === "closed" || isDue || isFree;
    assert.equal(breaker.permits, expected);
    const permit = breaker.admit();
    assert.equal(permit !== undefined, expected);
    if (permit === undefined) return;
    if (isDue) become(model, "halfOpen");
    if (model.state === "halfOpen") model.probe = permit;
    model.open.push({ permit, period: model.period });
    assert.equal(breaker.state, model.state);
  }
  toString = () => "admit";
}

class End implements Command {
  constructor(readonly at: number, readonly how: "succeeded" | "failed" | "withdrawn") {}
  check = ({ open }: Readonly<Model>) => open.length > 0;
  run(model: Model, { breaker }: Real) {
    const [{ permit, period }] = model.open.splice(this.at % model.open.length, 1);
    permit[this.how]();
    if (model.state === "halfOpen" && permit === model.probe) {
      if (this.how === "failed") become(model, "open");
      else model.probe = undefined;
      if (this.how === "succeeded" && ++model.successes === SUCCESSES) become(model, "closed");
    } else if (model.state === "closed" && period === model.period) {
      if (this.how === "succeeded") model.failures = 0;
      if (this.how === "failed" && ++model.failures === FAILURES) become(model, "open");
    }
    assert.equal(breaker.state, model.state);
  }
  toString = () => `${this.how} ${this.at}`;
}

class OpenByHand implements Command {
  check = () => true;
  run(model: Model, { breaker }: Real) {
    breaker.open();
    become(model, "open");
    assert.equal(breaker.state, "open");
  }
  toString = () => "open";
}

Deno.test("CircuitBreaker behaves as its model under any sequence of calls, outcomes and times", () => {
  const commands = fc.commands<Model, Real>([
    fc.integer({ min: 1, max: 2 * OPEN_MS }).map((ms) => new Tick(ms)),
    fc.constant(new Admit()),
    fc.tuple(fc.nat(50), fc.constantFrom("succeeded", "failed", "withdrawn" as const))
      .map(([at, how]) => new End(at, how as "succeeded")),
    fc.constant(new OpenByHand()),
  ], { maxCommands: 200 });
  const property = fc.property(commands, (given) => {
    fc.modelRun(() => {
      const clock = { nowMs: 0 };
      const breaker = new CircuitBreaker({
        rule: new ConsecutiveFailures(FAILURES),
        openMs: OPEN_MS,
        successes: SUCCESSES,
        nowMs: () => clock.nowMs,
      });
      const model: Model = {
        ...{ nowMs: 0, state: "closed", failures: 0, successes: 0, untilMs: 0 },
        ...{ open: [], period: 0, probe: undefined },
      };
      return { model, real: { breaker, clock } };
    }, given);
  });
  fc.assert(property, { numRuns: 500 });
});
