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

/** Runs as long as there is something to look at; does not keep the process alive. */
export class Heartbeats {
  readonly #intervalMs: number;
  readonly #beating = new Set<Beating>();
  #timer: ReturnType<typeof setInterval> | undefined;

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
    const nowMs = monotonicMs();
    for (const beating of this.#beating) beating.beat(nowMs);
  }
}
