/**
 * What is open, by id. Ids mostly count upwards, so they index a ring of slots; a `Map` takes the rest.
 *
 * A `Map` alone would do, but its old tables, which every few deletes leave behind, keep finished calls alive
 * until a full collection: at 20 connections x 10 in flight 19 full collections in 5 s instead of 1.
 *
 * @module
 */
import type { IdKey } from "./message_id.ts";

const SLOTS_MIN = 16;
// Shared by all empty tables; never written to.
const NO_VALUES: never[] = [];
const NO_KEYS: never[] = [];
const NO_OTHERS = new Map<IdKey, never>();

/** A map from ids to values. */
export class IdTable<V> {
  /** Empty until the first entry: an idle connection has two tables, of 700 bytes each with slots. */
  #values: (V | undefined)[] = NO_VALUES;
  #keys: number[] = NO_KEYS;
  #inSlots = 0;
  /** Ids that are no numbers, and numbers whose slot is taken. */
  #others: Map<IdKey, V> = NO_OTHERS;

  /** Number of entries. */
  get size(): number {
    return this.#inSlots + this.#others.size;
  }

  /** The value under an id. */
  get(key: IdKey): V | undefined {
    if (typeof key === "number") {
      const slot = key & (this.#values.length - 1);
      if (this.#keys[slot] === key && this.#values[slot] !== undefined) return this.#values[slot];
    }
    return this.#others.size > 0 ? this.#others.get(key) : undefined;
  }

  /** Adds an entry; there must be none under this id. */
  set(key: IdKey, value: V): void {
    if (typeof key !== "number") return this.#setOther(key, value);
    if (this.#inSlots * 2 >= this.#values.length) this.#grow();
    const slot = key & (this.#values.length - 1);
    if (this.#values[slot] !== undefined) return this.#setOther(key, value);
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#inSlots++;
  }

  /** Removes an entry. False when there is none. */
  delete(key: IdKey): boolean {
    if (typeof key === "number") {
      const slot = key & (this.#values.length - 1);
      if (this.#keys[slot] === key && this.#values[slot] !== undefined) {
        this.#values[slot] = undefined;
        this.#inSlots--;
        return true;
      }
    }
    return this.#others.size > 0 && this.#others.delete(key);
  }

  /** Removes everything. */
  clear(): void {
    this.#values.fill(undefined);
    this.#inSlots = 0;
    this.#others = NO_OTHERS;
  }

  /** All values as they are now, in no order; entries may be removed meanwhile. */
  values(): V[] {
    const found: V[] = [];
    for (const value of this.#values) if (value !== undefined) found.push(value);
    found.push(...this.#others.values());
    return found;
  }

  #setOther(key: IdKey, value: V): void {
    if (this.#others === NO_OTHERS) this.#others = new Map();
    this.#others.set(key, value);
  }

  /** Doubles the ring: ids that had slots of their own have them in the larger one, too. */
  #grow(): void {
    const [values, keys] = [this.#values, this.#keys];
    const slots = Math.max(2 * values.length, SLOTS_MIN);
    this.#values = new Array(slots).fill(undefined);
    this.#keys = new Array(slots).fill(-1);
    values.forEach((value, old) => {
      const slot = keys[old] & (this.#values.length - 1);
      if (value !== undefined) [this.#values[slot], this.#keys[slot]] = [value, keys[old]];
    });
  }
}
