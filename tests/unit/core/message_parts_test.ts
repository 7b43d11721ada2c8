import assert from "node:assert/strict";
import { Slot, SLOTS } from "../../../lib/core/envelope.ts";
import { findPart, movedParts, partsOf } from "../../../lib/core/message_parts.ts";

function table(spans: Readonly<Record<number, [number, number]>>): number[] {
  const all = new Array<number>(2 * SLOTS).fill(-1);
  for (const [slot, [start, end]] of Object.entries(spans)) {
    all[2 * Number(slot)] = start;
    all[2 * Number(slot) + 1] = end;
  }
  return all;
}

Deno.test("partsOf() keeps what is present and not part of every message", () => {
  assert.equal(partsOf(table({ [Slot.id]: [5, 6], [Slot.params]: [9, 20] })), undefined);
  const parts = partsOf(table({ [Slot.id]: [5, 6], [Slot.name]: [10, 12], [Slot.uri]: [14, 16] }));
  assert.deepEqual(parts, [Slot.name, 10, 12, Slot.uri, 14, 16]);
  assert.equal(findPart(parts, Slot.uri), 3);
  assert.equal(findPart(parts, Slot.error), -1);
  assert.equal(findPart(undefined, Slot.error), -1);
});

Deno.test("partsOf() of one message is not changed by the next", () => {
  const first = partsOf(table({ [Slot.name]: [1, 2] }));
  partsOf(table({ [Slot.name]: [3, 4] }));
  assert.deepEqual(first, [Slot.name, 1, 2]);
});

Deno.test("movedParts() moves what lies behind a splice, and nothing else", () => {
  const parts = [Slot.name, 10, 12, Slot.uri, 14, 16];
  assert.equal(movedParts(parts, 12, 0), parts);
  assert.equal(movedParts(undefined, 12, 3), undefined);
  assert.deepEqual(movedParts(parts, 13, 3), [Slot.name, 10, 12, Slot.uri, 17, 19]);
  assert.deepEqual(movedParts(parts, 12, -1), [Slot.name, 10, 11, Slot.uri, 13, 15]);
  assert.deepEqual(parts, [Slot.name, 10, 12, Slot.uri, 14, 16]);
});
