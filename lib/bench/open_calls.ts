/**
 * The calls of one connection that have no answer yet: when each was to be sent, by its number.
 *
 * @module
 */

const SLOTS_MIN = 16;
const SLOTS_MAX = 1 << 20;

/** A ring of typed arrays: nothing is allocated for a call. Numbers must count upwards. */
export class OpenCalls {
  #mask = SLOTS_MIN - 1;
  #ids = new Float64Array(SLOTS_MIN).fill(-1);
  #timesMs = new Float64Array(SLOTS_MIN);
  #size = 0;

  /** Calls that are open. */
  get size(): number {
    return this.#size;
  }

  /** Remembers a call. False when a call from a million calls ago is still open in its place. */
  add(id: number, timeMs: number): boolean {
    while (this.#ids[id & this.#mask] >= 0) {
      if (this.#mask + 1 >= SLOTS_MAX) return false;
      this.#grow();
    }
    const slot = id & this.#mask;
    this.#ids[slot] = id;
    this.#timesMs[slot] = timeMs;
    this.#size++;
    return true;
  }

  /** Takes a call out and gives its time, ms; -1 when there is no such call. */
  take(id: number): number {
    const slot = id & this.#mask;
    if (this.#ids[slot] !== id) return -1;
    this.#ids[slot] = -1;
    this.#size--;
    return this.#timesMs[slot];
  }

  /** Takes out all calls of before a time. */
  takeBefore(timeMs: number): number[] {
    if (this.#size === 0) return [];
    const old: number[] = [];
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#ids[slot] >= 0 && this.#timesMs[slot] < timeMs) old.push(this.#ids[slot]);
    }
    for (const id of old) this.take(id);
    return old;
  }

  #grow(): void {
    const [ids, timesMs] = [this.#ids, this.#timesMs];
    this.#mask = 2 * ids.length - 1;
    this.#ids = new Float64Array(2 * ids.length).fill(-1);
    this.#timesMs = new Float64Array(2 * ids.length);
    for (let old = 0; old < ids.length; old++) {
      if (ids[old] < 0) continue;
      const slot = ids[old] & this.#mask;
      this.#ids[slot] = ids[old];
      this.#timesMs[slot] = timesMs[old];
    }
  }
}
