import assert from "node:assert/strict";
import fc from "fast-check";
import { EventLog, LogBudget } from "../../../lib/core/event_log.ts";

const LIMITS = { eventsMax: 5, bytesMax: 100 };

function filled(budget: LogBudget, count: number, byteLength = 1): EventLog<number> {
  const log = new EventLog<number>(LIMITS, budget);
  for (let n = 1; n <= count; n++) {
    log.append(n, byteLength);
    log.sent();
  }
  return log;
}

const items = (log: EventLog<number>, sequence: number) =>
  log.after(sequence)?.map(({ item }) => item);

Deno.test("after() gives what came behind an event, and nothing when some of it is forgotten", () => {
  const log = filled(new LogBudget(1000), 7);
  assert.deepEqual(items(log, 2), [3, 4, 5, 6, 7]);
  assert.deepEqual(items(log, 7), []);
  for (const sequence of [1, 8, -1, 0, NaN]) assert.equal(log.knows(sequence), false);
  assert.equal(items(log, 1), undefined);
});

Deno.test("sent() lets go of the oldest beyond the bytes of a log, never of the newest", () => {
  const budget = new LogBudget(1000);
  const log = filled(budget, 3, 60);
  assert.deepEqual(items(log, 2), [3]);
  assert.equal(budget.heldBytes, 60);
  log.append(4, 500);
  log.sent();
  assert.deepEqual(items(log, 3), [4]);
});

Deno.test("append() keeps what was not sent yet, and says when that is too much", () => {
  const log = new EventLog<number>(LIMITS, new LogBudget(10));
  for (let n = 1; n <= 5; n++) {
    assert.equal(log.isFull, false);
    log.append(n, 10);
  }
  assert.equal(log.isFull, true);
  assert.equal(log.after(0)?.length, 5);
  log.sent();
  assert.deepEqual([log.isFull, log.isEmpty], [false, false]);
  assert.deepEqual(items(log, 4), [5]);
});

Deno.test("a budget forgets the oldest event of all logs first", () => {
  const budget = new LogBudget(5);
  const [first, second] = [filled(budget, 2), filled(budget, 2)];
  first.append(3, 2);
  first.sent();
  assert.deepEqual([first.firstSequence, second.firstSequence], [2, 1]);
  second.append(3, 2);
  second.sent();
  assert.deepEqual([first.firstSequence, second.firstSequence], [3, 2]);
  first.clear();
  assert.equal(budget.heldBytes, 3);
  assert.equal(first.isEmpty, true);
});

Deno.test("logs and their budget agree after any history", () => {
  const step = fc.record({
    log: fc.nat(2),
    byteLength: fc.nat(60),
    act: fc.constantFrom("append", "append", "sent", "clear"),
  });
  fc.assert(fc.property(fc.array(step), (steps) => {
    const budget = new LogBudget(120);
    const logs = [0, 1, 2].map(() => new EventLog<number>(LIMITS, budget));
    for (const { log: at, byteLength, act } of steps) {
      const log = logs[at];
      if (act === "append") log.append(byteLength, byteLength);
      else if (act === "sent") log.sent();
      else log.clear();
      const held = logs.map((log) => log.after(log.firstSequence - 1)!);
      const bytes = held.flat().reduce((sum, { item }) => sum + item, 0);
      assert.equal(budget.heldBytes, bytes);
      for (const events of held) {
        assert.ok(events.every(({ sequence }, i) => sequence === events[0].sequence + i));
      }
    }
    for (const log of logs) log.sent();
    assert.ok(budget.heldBytes <= 120);
  }));
});
