import assert from "node:assert/strict";
import {
  isBetter,
  prioritiesOf,
  selectionScore,
  type Standing,
} from "../../../lib/upstream/selection.ts";

const score = (standing: Partial<Standing>) =>
  Number(selectionScore({ health: "healthy", priority: 5, ...standing }).toFixed(4));

Deno.test("selectionScore() is 0.4 health + 0.3 latency + 0.2 throughput + 0.1 priority", () => {
  assert.equal(score({ latencyMs: 0, messagesPerSecond: 10_000, priority: 10 }), 1);
  assert.equal(
    score({ health: "unhealthy", latencyMs: 100, messagesPerSecond: 0, priority: 0 }),
    0,
  );
  assert.equal(score({ health: "degraded", latencyMs: 50, messagesPerSecond: 5000 }), 0.5);
  assert.equal(score({}), 0.7);
  assert.equal(score({ health: "unknown" }), 0.3);
});

Deno.test("selectionScore() keeps each part within its bounds", () => {
  assert.equal(score({ latencyMs: 1e9, messagesPerSecond: 1e9 }), 0.65);
});

Deno.test("isBetter() wants a margin from an endpoint that is less wanted", () => {
  const good: Standing = { health: "healthy", priority: 5, latencyMs: 10 };
  assert.equal(isBetter({ ...good, priority: 6 }, good), true);
  assert.equal(isBetter({ ...good, latencyMs: 1 }, good), false);
  assert.equal(isBetter({ ...good, priority: 4 }, { ...good, health: "degraded" }), true);
  assert.equal(isBetter(good, good), false);
});

Deno.test("prioritiesOf() ranks by order unless something is said", () => {
  assert.deepEqual(prioritiesOf([undefined]), [10]);
  assert.deepEqual(prioritiesOf([undefined, undefined, undefined]), [10, 5.5, 1]);
  assert.deepEqual(prioritiesOf([undefined, 9]), [5, 9]);
});
