/**
 * All calls that wait for their client to come back, with a bound on their number and on the wait.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { HeldCall } from "./held_call.ts";

/** Calls that may be held at once. */
const HELD_MAX = 1000;
/** How long a client may take to come back: people answer questions, ms. */
export const HELD_MS = 10 * 60_000;
const SWEEP_MS = 10_000;

/** Held calls by id. Dispose it to give them all up. */
export class HeldCalls implements Disposable {
  readonly #calls = new Map<string, { readonly call: HeldCall; readonly sinceMs: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Keeps a call, for all of its time from now on.
   *
   * @throws {GatewayError} Overloaded when too many are held
   */
  keep(call: HeldCall): void {
    if (this.#calls.size >= HELD_MAX && !this.#calls.has(call.id)) {
      throw new GatewayError(
        "Overloaded",
        `Cannot ask the client: ${HELD_MAX} calls wait for theirs`,
      );
    }
    this.#calls.set(call.id, { call, sinceMs: monotonicMs() });
    this.#timer ??= setTimeout(this.#sweep, SWEEP_MS);
  }

  /** The call with this id. */
  find(id: string): HeldCall | undefined {
    return this.#calls.get(id)?.call;
  }

  /** Forgets a call. */
  release(call: HeldCall): void {
    this.#calls.delete(call.id);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { call } of [...this.#calls.values()]) call.abandon();
    this.#calls.clear();
  }

  readonly #sweep = (): void => {
    const oldestMs = monotonicMs() - HELD_MS;
    for (const { call, sinceMs } of [...this.#calls.values()]) {
      if (sinceMs < oldestMs && !call.isAwaited) call.abandon();
    }
    this.#timer = this.#calls.size > 0 ? setTimeout(this.#sweep, SWEEP_MS) : undefined;
  };
}
