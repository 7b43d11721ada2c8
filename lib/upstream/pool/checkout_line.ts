/**
 * Calls that wait for a member, first come first served, as long as each may wait.
 *
 * @module
 */
import type { GatewayError } from "../../core/errors.ts";

/** Why a call does not wait, or no longer. */
export type Refusal = "full" | "due" | "cancelled";

/** A call that waits. */
export interface Waiting {
  /** Finds a member for it and returns how to hand it over; `undefined` when it has to wait on. */
  place(): (() => void) | undefined;
  /** It waits no longer, in vain. */
  refuse(error: GatewayError): void;
  /** Whose home it waits for: where one of these cannot be placed, the others need not be tried. `undefined` for any member. */
  readonly bound: object | undefined;
  /** Until when it may wait, ms of the line's clock. */
  readonly dueMs: number;
  /** Aborts when nobody waits for the call any more. */
  readonly signal: AbortSignal;
}

/** What a line needs. */
export interface CheckoutLineOptions {
  readonly waitingMax: number;
  readonly now: () => number;
  readonly refusal: (why: Refusal) => GatewayError;
}

/** A bounded line. */
export class CheckoutLine {
  readonly #options: CheckoutLineOptions;
  /** To each call what takes it out of the line. */
  readonly #leave = new Map<Waiting, () => void>();
  /** Of these, the ones for one home. */
  #bound = 0;
  /** One timer, for whoever is due next. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerMs = Infinity;

  constructor(options: CheckoutLineOptions) {
    this.#options = options;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#leave.size;
  }

  /**
   * Adds a call at the end.
   *
   * @throws {GatewayError} the refusal, when the line is full or nobody waits for the call any more
   */
  join(waiting: Waiting): void {
    const { waitingMax, refusal } = this.#options;
    if (this.#leave.size >= waitingMax) throw refusal("full");
    const { signal, bound } = waiting;
    if (signal.aborted) throw refusal("cancelled");
    const cancel = () => this.#refuse(waiting, refusal("cancelled"));
    this.#leave.set(waiting, () => {
      signal.removeEventListener("abort", cancel);
      this.#leave.delete(waiting);
      if (bound !== undefined) this.#bound--;
      if (this.#leave.size === 0) this.#stopTimer();
    });
    if (bound !== undefined) this.#bound++;
    signal.addEventListener("abort", cancel, { once: true });
    this.#watch(waiting.dueMs);
  }

  /** Offers what has become free, in order. Whoever can be placed leaves the line. */
  offer(): void {
    const stuck = new Set<object | undefined>();
    for (const waiting of this.#leave.keys()) {
      if (stuck.has(undefined) && this.#bound === 0) return;
      if (stuck.has(waiting.bound)) continue;
      const handOver = waiting.place();
      if (handOver === undefined) {
        stuck.add(waiting.bound);
        continue;
      }
      this.#leave.get(waiting)?.();
      handOver();
    }
  }

  /** Sends everybody away. */
  refuseAll(error: GatewayError): void {
    for (const waiting of this.#leave.keys()) this.#refuse(waiting, error);
  }

  #refuse(waiting: Waiting, error: GatewayError): void {
    this.#leave.get(waiting)?.();
    waiting.refuse(error);
  }

  #watch(dueMs: number): void {
    if (dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    this.#timer = setTimeout(this.#expire, Math.max(0, dueMs - this.#options.now()));
  }

  readonly #expire = (): void => {
    this.#stopTimer();
    const { now, refusal } = this.#options;
    const nowMs = now();
    let nextMs = Infinity;
    for (const waiting of this.#leave.keys()) {
      if (waiting.dueMs <= nowMs) this.#refuse(waiting, refusal("due"));
      else nextMs = Math.min(nextMs, waiting.dueMs);
    }
    if (nextMs < Infinity) this.#watch(nextMs);
  };

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerMs = Infinity;
  }
}
