/**
 * When a circuit opens: the rules, apart from the mechanism that they drive.
 *
 * @module
 */
import { OutcomeWindow } from "../core/outcome_window.ts";

/** Decides from outcomes whether to open. */
export interface BreakRule {
  succeeded(nowMs: number): void;
  /** Whether this failure is one too many. */
  failed(nowMs: number): boolean;
  /** Begins anew: the circuit has closed. */
  reset(): void;
}

/** So many failures, one after the other. */
export class ConsecutiveFailures implements BreakRule {
  readonly #failuresMax: number;
  #failures = 0;

  constructor(failuresMax: number) {
    this.#failuresMax = failuresMax;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): boolean {
    return ++this.#failures >= this.#failuresMax;
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** A share of failures among the outcomes of a window, once there are enough to speak of a share. */
export class ErrorRate implements BreakRule {
  readonly #rateMax: number;
  readonly #countMin: number;
  readonly #window: OutcomeWindow;

  /** @param rateMax share of failures, 0 to 1, at which it opens */
  constructor(rateMax: number, windowMs: number, countMin: number) {
    this.#rateMax = rateMax;
    this.#countMin = countMin;
    this.#window = new OutcomeWindow(windowMs);
  }

  succeeded(nowMs: number): void {
    this.#window.note(false, nowMs);
  }

  failed(nowMs: number): boolean {
    this.#window.note(true, nowMs);
    return this.#window.count(nowMs) >= this.#countMin &&
      this.#window.errorRate(nowMs) >= this.#rateMax;
  }

  reset(): void {
    this.#window.clear();
  }
}

/** Whichever rule says so first. */
export class AnyRule implements BreakRule {
  readonly #rules: readonly BreakRule[];

  constructor(...rules: readonly BreakRule[]) {
    this.#rules = rules;
  }

  succeeded(nowMs: number): void {
    for (const rule of this.#rules) rule.succeeded(nowMs);
  }

  failed(nowMs: number): boolean {
    return this.#rules.map((rule) => rule.failed(nowMs)).includes(true);
  }

  reset(): void {
    for (const rule of this.#rules) rule.reset();
  }
}
