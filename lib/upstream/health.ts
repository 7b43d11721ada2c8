/**
 * Whether an endpoint is well, by the share of its questions that failed lately.
 *
 * @module
 */
import { OutcomeWindow } from "../core/outcome_window.ts";
import type { Health } from "./selection.ts";

/** From this share of failures on it is degraded. */
const DEGRADED_RATE = 0.05;
/** Above this it is unhealthy. */
const UNHEALTHY_RATE = 0.1;
/** To be called better again, the share has to be this much below the border: else it would flicker there. */
const RETURN_FACTOR = 0.8;

/** Judges from outcomes, with hysteresis. */
export class HealthMeter {
  readonly #window: OutcomeWindow;
  #health: Health = "unknown";

  constructor(windowMs: number) {
    this.#window = new OutcomeWindow(windowMs);
  }

  /** Counts the outcome of a question or a check. */
  note(isFailure: boolean, nowMs: number): void {
    this.#window.note(isFailure, nowMs);
  }

  /** Begins anew: it has been away, and shown that it is back. */
  clear(): void {
    this.#window.clear();
    this.#health = "unknown";
  }

  /** What the outcomes of the window say; without any, what they said last. */
  health(nowMs: number): Health {
    if (this.#window.count(nowMs) > 0) this.#health = this.#judge(this.#window.errorRate(nowMs));
    return this.#health;
  }

  #judge(rate: number): Health {
    const wasUnhealthy = this.#health === "unhealthy";
    if (rate > UNHEALTHY_RATE * (wasUnhealthy ? RETURN_FACTOR : 1)) return "unhealthy";
    const wasDegraded = wasUnhealthy || this.#health === "degraded";
    return rate >= DEGRADED_RATE * (wasDegraded ? RETURN_FACTOR : 1) ? "degraded" : "healthy";
  }
}
