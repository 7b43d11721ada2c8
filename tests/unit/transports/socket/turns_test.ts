import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Turns } from "../../../../transports/socket/turns.ts";

Deno.test("Turns lets few go on at once", () => {
  const gone: number[] = [];
  const turns = new Turns(3);
  for (let i = 0; i < 3; i++) turns.ask({ go: () => gone.push(i) });
  assert.deepEqual(gone, [0, 1, 2]);
});

Deno.test("Turns lets the others go on in later turns, in their order", async () => {
  const gone: number[] = [];
  const turns = new Turns(3);
  for (let i = 0; i < 8; i++) turns.ask({ go: () => gone.push(i) });
  assert.equal(gone.length, 3);
  const perTurn: number[] = [];
  while (gone.length < 8) {
    await setImmediate();
    perTurn.push(gone.length);
  }
  assert.deepEqual(gone, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(perTurn.includes(6), `after each turn: ${perTurn}`);
});

Deno.test("Turns begins anew when everything of a turn has run", async () => {
  const gone: number[] = [];
  const turns = new Turns(1);
  turns.ask({ go: () => gone.push(1) });
  await Promise.resolve();
  turns.ask({ go: () => gone.push(2) });
  assert.deepEqual(gone, [1, 2]);
});

Deno.test("Turns lets somebody ask again from its own turn", async () => {
  let goes = 0;
  const turns = new Turns(1);
  const waiter = {
    go() {
      if (++goes < 5) turns.ask(waiter);
    },
  };
  turns.ask(waiter);
  for (let turn = 0; goes < 5 && turn < 100; turn++) await setImmediate();
  assert.equal(goes, 5);
});
