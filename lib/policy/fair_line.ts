/**
 * A waiting line of several parties: each party's in the order they came, the parties in turn. Whoever has
 * many waiting delays itself, not the others; and when the line is full, it is the longest that gives way.
 *
 * @module
 */

/** What a line may hold. */
export interface FairLineOptions {
  readonly waitingMax: number;
  /** How long each may wait, ms. */
  readonly waitMs: number;
}

/** Why one does not wait, or no longer. */
export type Dismissal = "full" | "due";

/** One that waits. */
export interface Waiter {
  /** It is its turn. */
  admit(): void;
  /** It has waited in vain. */
  dismiss(why: Dismissal): void;
}

interface Place {
  readonly waiter: Waiter;
  readonly party: unknown;
  readonly dueMs: number;
}

/** See the module. */
export class FairLine {
  readonly #options: FairLineOptions;
  readonly #nowMs: () => number;
  /** In the order they came, which is that in which they are due. */
  readonly #places = new Map<Waiter, Place>();
  /** Whoever is next comes first. */
  readonly #parties = new Map<unknown, Set<Waiter>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param nowMs monotonic ms */
  constructor(options: FairLineOptions, nowMs: () => number) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  /** How many wait. */
  get size(): number {
    return this.#places.size;
  }

  /** Adds one at the end of its party's line; somebody is dismissed when there is no room. */
  join(party: unknown, waiter: Waiter): void {
    if (this.size >= this.#options.waitingMax && !this.#makeRoom(party)) {
      return waiter.dismiss("full");
    }
    this.#places.set(waiter, { waiter, party, dueMs: this.#nowMs() + this.#options.waitMs });
    const own = this.#parties.get(party);
    if (own === undefined) this.#parties.set(party, new Set([waiter]));
    else own.add(waiter);
    this.#timer ??= setTimeout(this.#expire, this.#options.waitMs);
  }

  /** One waits no longer; nothing when it does not wait. */
  leave(waiter: Waiter): void {
    const place = this.#places.get(waiter);
    if (place === undefined) return;
    this.#places.delete(waiter);
    const own = this.#parties.get(place.party)!;
    own.delete(waiter);
    if (own.size === 0) this.#parties.delete(place.party);
    if (this.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Admits whose turn it is. False when nobody waits. */
  admitNext(): boolean {
    for (const [party, own] of this.#parties) {
      const [waiter] = own;
      this.leave(waiter);
      if (own.size > 0) {
        this.#parties.delete(party);
        this.#parties.set(party, own); // behind the others
      }
      waiter.admit();
      return true;
    }
    return false;
  }

  /** Dismisses the last of the longest line, if it is longer than the party's own would be. */
  #makeRoom(party: unknown): boolean {
    const [longest] = [...this.#parties.values()].sort((a, b) => b.size - a.size);
    if (longest === undefined) return false;
    if (longest.size <= (this.#parties.get(party)?.size ?? 0) + 1) return false;
    const last = [...longest].at(-1)!;
    this.leave(last);
    last.dismiss("full");
    return true;
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    for (const { waiter, dueMs } of this.#places.values()) {
      const restMs = dueMs - this.#nowMs();
      if (restMs > 0) {
        this.#timer ??= setTimeout(this.#expire, restMs);
        return;
      }
      this.leave(waiter);
      waiter.dismiss("due");
    }
  };
}
