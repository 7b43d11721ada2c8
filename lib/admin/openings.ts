/**
 * How often sessions are opened on whose behalf, to find clients that keep coming back.
 *
 * @module
 */

/** Openings within this time count together, ms. */
const WINDOW_MS = 60_000;
/** From so many on within the window a client reconnects too often. */
export const RAPID_OPENINGS = 10;
/** Origins that are remembered. */
const ORIGINS_MAX = 5_000;

/** Openings of one origin in the present window and the one before. */
interface Opened {
  windowMs: number;
  now: number;
  before: number;
}

/** See the module. */
export class Openings {
  readonly #byOrigin = new Map<string, Opened>();

  /** A session was opened. */
  note(origin: string, nowMs: number): void {
    const windowMs = nowMs - nowMs % WINDOW_MS;
    let opened = this.#byOrigin.get(origin);
    if (opened === undefined) {
      if (this.#byOrigin.size >= ORIGINS_MAX) {
        this.#byOrigin.delete(this.#byOrigin.keys().next().value!);
      }
      this.#byOrigin.set(origin, opened = { windowMs, now: 0, before: 0 });
    }
    shift(opened, windowMs);
    opened.now++;
  }

  /** Whoever opens too many: how many in a minute, the busiest first. */
  rapid(nowMs: number): { origin: string; openingsPerMinute: number }[] {
    const found = [];
    for (const [origin, opened] of this.#byOrigin) {
      shift(opened, nowMs - nowMs % WINDOW_MS);
      const left = 1 - nowMs % WINDOW_MS / WINDOW_MS; // of the window before
      const openingsPerMinute = Math.round(opened.now + left * opened.before);
      if (openingsPerMinute >= RAPID_OPENINGS) found.push({ origin, openingsPerMinute });
    }
    return found.toSorted((a, b) => b.openingsPerMinute - a.openingsPerMinute);
  }
}

function shift(opened: Opened, windowMs: number): void {
  if (opened.windowMs === windowMs) return;
  opened.before = opened.windowMs === windowMs - WINDOW_MS ? opened.now : 0;
  opened.now = 0;
  opened.windowMs = windowMs;
}
