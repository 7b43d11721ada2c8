import assert from "node:assert/strict";
import { Heartbeats } from "../../../../transports/websocket/heartbeats.ts";

Deno.test("Heartbeats looks at each of many, and lets others have their turn between", async () => {
  const heartbeats = new Heartbeats(5);
  const goes: number[] = [];
  let turns = 0;
  const seen = Promise.withResolvers<void>();
  const beating = Array.from({ length: 300 }, () => ({
    beat() {
      if (goes.length === 0) countTurns();
      goes.push(turns);
      if (goes.length === 300) seen.resolve();
    },
  }));
  const countTurns = () => {
    turns++;
    if (goes.length < 300) setTimeout(countTurns, 0);
  };
  const keepAlive = setTimeout(() => {}, 10_000);
  for (const one of beating) heartbeats.add(one);
  await seen.promise;
  for (const one of beating) heartbeats.delete(one);
  clearTimeout(keepAlive);
  assert.ok(new Set(goes.slice(0, 300)).size > 1, "all in one go");
});

Deno.test("Heartbeats leaves out whoever is deleted during a round, and looks at the others", async () => {
  const heartbeats = new Heartbeats(5);
  const seen = Promise.withResolvers<void>();
  let wasLookedAt = false;
  const second = { beat: () => void (wasLookedAt = true) };
  const first = { beat: () => heartbeats.delete(second) };
  const third = { beat: () => seen.resolve() };
  const keepAlive = setTimeout(() => {}, 10_000);
  for (const one of [first, second, third]) heartbeats.add(one);
  await seen.promise;
  for (const one of [first, third]) heartbeats.delete(one);
  clearTimeout(keepAlive);
  assert.equal(wasLookedAt, false);
});
