/**
 * How often a server that starts well and then ends by itself is started again (the restart intensity of
 * Erlang's supervisors). A server that cannot be reached at all is the circuit's business, not this one's.
 *
 * @module
 */
import { monotonicMs } from "../core/clock.ts";

/** When a server is started again. */
export interface RestartOptions {
  /** Restarts within the window; who ends once more has failed. */
  readonly max: number;
  readonly windowMs: number;
  /** A server that has failed is left alone for so long, ms; twice as long when that was in vain. */
  readonly coolDownMs: number;
  /** The longest that becomes, ms. */
  readonly coolDownMaxMs: number;
}

/** Counts the restarts of one process. */
export class RestartIntensity {
  readonly #options: RestartOptions;
  readonly #nowMs: () => number;
  /** When it was started again, the oldest first. */
  #restartsMs: number[] = [];
  /** Where it has ended and was not started again; `undefined` while it runs. */
  #ended: { readonly where: unknown; readonly isLimited: boolean } | undefined;
  /** Times in a row that it has failed. */
  #failures = 0;
  /** End of the time that it is left alone. */
  #untilMs = -Infinity;
  /** When it was last started. */
  #startedMs = -Infinity;

  constructor(options: RestartOptions, nowMs: () => number = monotonicMs) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  /** How long it is left alone yet, ms; 0 when it may be started. */
  get waitMs(): number {
    return Math.max(0, this.#untilMs - this.#nowMs());
  }

  /**
   * It has ended by itself. True when that was once too often: it is left alone from now on.
   *
   * @param isLimited false for a connection to what runs elsewhere: to connect again costs next to nothing
   */
  ended(where: unknown, isLimited = true): boolean {
    this.#ended = { where, isLimited };
    const nowMs = this.#nowMs();
    if (!isLimited || this.waitMs > 0 || !this.#isTooOften(nowMs)) return false;
    const { coolDownMs, coolDownMaxMs } = this.#options;
    this.#untilMs = nowMs + Math.min(coolDownMaxMs, coolDownMs * 2 ** this.#failures++);
    return true;
  }

  /** It runs. True when that was a restart: one that runs elsewhere now has not been started again. */
  started(where: unknown): boolean {
    const ended = this.#ended;
    const isRestart = ended !== undefined && ended.where === where;
    this.#ended = undefined;
    this.#startedMs = this.#nowMs();
    if (isRestart && ended.isLimited) this.#restartsMs.push(this.#startedMs);
    return isRestart;
  }

  /** Once it has failed, a single end within the window is too often. */
  #isTooOften(nowMs: number): boolean {
    const { max, windowMs } = this.#options;
    this.#restartsMs = this.#restartsMs.filter((atMs) => nowMs - atMs < windowMs);
    if (this.#failures > 0 && nowMs - this.#startedMs < windowMs) return true;
    this.#failures = 0;
    return this.#restartsMs.length >= max;
  }
}
