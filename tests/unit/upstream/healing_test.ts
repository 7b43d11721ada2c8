import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { heal, type HealingStep } from "../../../lib/upstream/healing.ts";

/** A patient that is well after a step. Each look at it takes a time, ms. */
function scene(wellAfter: HealingStep | undefined, lookMs = 0) {
  const clock = FakeTimers.install({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  const record: string[] = [];
  const stop = new AbortController();
  let last: HealingStep | undefined;
  const patient = {
    take(step: HealingStep) {
      last = step;
      record.push(`${step} at ${clock.now}`);
    },
    isWell: () =>
      new Promise<boolean>((resolve) => setTimeout(() => resolve(last === wellAfter), lookMs)),
  };
  const events = {
    step: (step: HealingStep) => void record.push(`told of ${step}`),
    ended: (step: HealingStep | undefined) => void record.push(`ended by ${step}`),
  };
  const healing = heal(patient, 1000, events, stop.signal);
  return { clock, record, stop, healing, [Symbol.dispose]: () => clock.uninstall() };
}

const stepsOf = (record: readonly string[]) => record.filter((line) => !line.startsWith("told"));

Deno.test("heal() stops at the step that helps", async () => {
  using it = scene("restart");
  await it.clock.runAllAsync();
  await it.healing;
  assert.deepEqual(it.record, ["told of restart", "restart at 0", "ended by restart"]);
});

Deno.test("heal() takes all steps in order, each a second after the one before", async () => {
  using it = scene(undefined);
  await it.clock.runAllAsync();
  await it.healing;
  assert.deepEqual(stepsOf(it.record), [
    ...["restart at 0", "clear at 1000", "reset at 2000", "fallback at 3000"],
    "ended by undefined",
  ]);
});

Deno.test("heal() waits for the outcome of a step that takes longer", async () => {
  using it = scene("clear", 2500);
  await it.clock.runAllAsync();
  await it.healing;
  assert.deepEqual(stepsOf(it.record), ["restart at 0", "clear at 2500", "ended by clear"]);
});

Deno.test("heal() ends when nobody wants the server any more", async () => {
  using it = scene(undefined);
  await it.clock.tickAsync(500);
  it.stop.abort(new Error("closed"));
  await assert.rejects(it.healing, /closed/);
  assert.equal(it.clock.countTimers(), 0);
  assert.deepEqual(stepsOf(it.record), ["restart at 0"]);
});
