/**
 * Who may go on in a turn of the event loop.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Somebody who wants to go on. */
export interface Waiter {
  /** It is its turn. Called once for each time it asked. */
  go(): void;
}

/**
 * Lets so many go on in one turn, the others in the next ones, first come first served.
 *
 * The runtime delivers what all sockets have received before it runs anything else (Deno 2.9.6). The messages of
 * 1000 busy connections would all be under way at the same time, and live until the garbage collector has copied
 * them: 5.6 us of CPU a message instead of 4.3 (1000 connections x 10 in flight).
 */
export class Turns {
  readonly #perTurnMax: number;
  #gone = 0;
  #waiting: Waiter[] = [];
  #next = 0;

  /** @param perTurnMax how many may go on in one turn */
  constructor(perTurnMax: number) {
    this.#perTurnMax = perTurnMax;
  }

  /** Lets somebody go on: at once, or in a later turn. */
  ask(waiter: Waiter): void {
    if (this.#waiting.length === 0 && this.#gone < this.#perTurnMax) {
      if (this.#gone++ === 0) queueMicrotask(this.#renew);
      return waiter.go();
    }
    if (this.#waiting.push(waiter) === 1) setImmediate(this.#turn);
  }

  readonly #renew = (): void => {
    this.#gone = 0;
  };

  readonly #turn = (): void => {
    const end = Math.min(this.#next + this.#perTurnMax, this.#waiting.length);
    while (this.#next < end) this.#waiting[this.#next++].go();
    if (this.#next < this.#waiting.length) return void setImmediate(this.#turn);
    this.#waiting = [];
    this.#next = 0;
  };
}
