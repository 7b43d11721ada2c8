/**
 * The parts of a message that are not in every message, three numbers each: slot, start, end.
 *
 * @module
 */
import { FIRST_DETAIL_SLOT, SLOTS } from "./envelope.ts";

/** Where the parts that a message has stand in its bytes; `undefined` when it has none. */
export type MessageParts = readonly number[] | undefined;

const found = new Array<number>(3 * SLOTS).fill(-1);

/** The parts of a span table that are present. */
export function partsOf(table: readonly number[]): MessageParts {
  let length = 0;
  for (let slot: number = FIRST_DETAIL_SLOT; slot < SLOTS; slot++) {
    if (table[2 * slot] < 0) continue;
    found[length] = slot;
    found[length + 1] = table[2 * slot];
    found[length + 2] = table[2 * slot + 1];
    length += 3;
  }
  return length === 0 ? undefined : found.slice(0, length); // a copy: see short_lived.ts
}

/** Index of a part; -1 when it is absent. */
export function findPart(parts: MessageParts, slot: number): number {
  if (parts === undefined) return -1;
  for (let i = 0; i < parts.length; i += 3) if (parts[i] === slot) return i;
  return -1;
}

/** The parts after a splice that moved everything from a position on. */
export function movedParts(parts: MessageParts, from: number, shift: number): MessageParts {
  if (shift === 0 || parts === undefined) return parts;
  const moved = parts.slice();
  for (let i = 0; i < moved.length; i += 3) {
    if (moved[i + 1] >= from) moved[i + 1] += shift;
    if (moved[i + 2] >= from) moved[i + 2] += shift;
  }
  return moved;
}
