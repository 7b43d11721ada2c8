/**
 * One timer that looks after the silence of many connections.
 *
 * @module
 */
import { monotonicMs } from "../../lib/core/clock.ts";

/** What has a heartbeat. */
export interface Beating {
  /** Called at every look. */
  beat(nowMs: number): void;
}

/** So many in one go: 8,800 connections that were opened together were all pinged in one, for 40 ms. */
const SLICE = 128;
/** Between two goes others have their turn, ms. */
const PAUSE_MS = 1;

/** Runs as long as there is something to look at; does not keep the process alive. */
export class Heartbeats {
  readonly #intervalMs: number;
  readonly #beating = new Set<Beating>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Those that are still to be looked at. */
  #round: Iterator<Beating> | undefined;

  /** @param intervalMs between two looks */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Begins to look after something. */
  add(beating: Beating): void {
    this.#beating.add(beating);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#beat(), this.#intervalMs);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** Stops looking after it. */
  delete(beating: Beating): void {
    if (!this.#beating.delete(beating) || this.#beating.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    if (this.#round !== undefined) return;
    this.#round = this.#beating.values();
    this.#goOn();
  }

  readonly #goOn = (): void => {
    const nowMs = monotonicMs();
    for (let i = 0; i < SLICE; i++) {
      const { done, value } = this.#round!.next();
      if (done) return void (this.#round = undefined);
      value.beat(nowMs);
    }
    Deno.unrefTimer(setTimeout(this.#goOn, PAUSE_MS) as unknown as number);
  };
}
