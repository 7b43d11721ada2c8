/**
 * A logger for noisy sources, such as the standard error of a child process.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";
import { backgroundTimer } from "./background_timer.ts";
import type { DropCounter } from "./log_destination.ts";
import { BaseLogger, type LogFields, type Logger, type LogLevel } from "./logger.ts";

const WINDOW_MS = 1000;

/** A limited logger. Dispose it when its source has ended: what was dropped last is told then. */
export type LimitedLogger = Logger & Disposable;

/** How {@link limited} works; everything has a default. */
export interface LimitedOptions {
  /** Counts the lines above the limit: `metrics.logDropped`. */
  readonly dropped?: DropCounter;
  /** Monotonic clock, ms. */
  readonly nowMs?: () => number;
}

/**
 * Lets at most `linesPerSecondMax` lines pass in each second, then tells in one line how many were
 * dropped. Children share the allowance.
 */
export function limited(
  logger: Logger,
  linesPerSecondMax: number,
  options: LimitedOptions = {},
): LimitedLogger {
  return new Limited(logger, new Allowance(logger, linesPerSecondMax, options));
}

class Limited extends BaseLogger implements LimitedLogger {
  readonly #logger: Logger;
  readonly #allowance: Allowance;

  constructor(logger: Logger, allowance: Allowance) {
    super();
    this.#logger = logger;
    this.#allowance = allowance;
  }

  enabled(level: LogLevel): boolean {
    return this.#logger.enabled(level);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (this.enabled(level) && this.#allowance.take()) this.#logger.log(level, message, fields);
  }

  child(module: string, fields?: LogFields): Logger {
    return new Limited(this.#logger.child(module, fields), this.#allowance);
  }

  [Symbol.dispose](): void {
    this.#allowance.tell();
  }
}

/** Lines that may still pass in this window. */
class Allowance {
  readonly #logger: Logger;
  readonly #linesMax: number;
  readonly #dropped: DropCounter | undefined;
  readonly #nowMs: () => number;
  #windowEndMs = -Infinity;
  #passed = 0;
  #lost = 0;
  #timer: Disposable | undefined;

  constructor(logger: Logger, linesMax: number, options: LimitedOptions) {
    this.#logger = logger;
    this.#linesMax = linesMax;
    this.#dropped = options.dropped;
    this.#nowMs = options.nowMs ?? monotonicMs;
  }

  take(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs >= this.#windowEndMs) {
      this.tell();
      this.#windowEndMs = nowMs + WINDOW_MS;
      this.#passed = 0;
    }
    if (this.#passed < this.#linesMax) {
      this.#passed++;
      return true;
    }
    this.#lost++;
    this.#dropped?.inc(1);
    this.#timer ??= backgroundTimer(() => this.tell(), this.#windowEndMs - nowMs);
    return false;
  }

  /** Tells what was dropped and has not been told, if anything. */
  tell(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#lost === 0) return;
    const lines = this.#lost;
    this.#lost = 0;
    this.#logger.warn("log lines above the limit were dropped", {
      lines,
      linesPerSecondMax: this.#linesMax,
    });
  }
}
